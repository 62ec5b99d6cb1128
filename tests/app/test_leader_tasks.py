"""Of several processes, only the leader runs the tasks whose result is in the database."""

from trimtab.app import build
from trimtab.app.leader_tasks import LEADER_TASKS, restrict_to_leader
from trimtab.infra.settings import load


def test_every_name_is_that_of_a_task(tmp_path):
    app = build(load(flags={"service.data_dir": str(tmp_path)}, environment={}))
    try:
        assert restrict_to_leader(app.assembly.tasks(), app.env.fleet) == LEADER_TASKS
    finally:
        app.close()
