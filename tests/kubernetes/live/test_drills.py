"""Every cause of the pages about clusters, drilled: real objects are broken, and the operator has to find and repair it."""

import secrets

import pytest

from tests.kubernetes.live.drilled import failing_as_in_life, service
from tests.kubernetes.live.world import World
from trimtab.infra.shipped import shipped
from trimtab.kubernetes.cluster import DEPLOYMENT, POD, SERVICE
from trimtab.runbooks.model import Runbook
from trimtab.runbooks.page import parse_page

PAGES = [
    page
    for file in sorted(shipped("library").glob("kubernetes-*.md"))
    if isinstance(page := parse_page(file.read_text(encoding="utf-8"), file.name), Runbook)
]
CAUSES = [cause.id for page in PAGES for cause in page.causes]
MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: chromadb, namespace: production}
spec:
  selector: {app: chromadb}
  ports: [{name: http, port: 8000, protocol: TCP, targetPort: http}]
"""


@pytest.fixture(scope="module")
def drilled(kubeconfig, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drilled")
    (folder / "chromadb-service.yaml").write_text(MANIFEST)
    world = World(kubeconfig, f"test-{secrets.token_hex(4)}")
    world.create_namespace()
    with (
        failing_as_in_life(kubeconfig),
        service(
            kubeconfig, world.namespace, folder, **{"kubernetes.manifests": str(folder)}
        ) as app,
    ):
        yield app, world
    world.close()


def test_every_page_needs_a_cluster():
    assert {page.needs for page in PAGES} == {"kubernetes"}
    assert len(CAUSES) == 10


@pytest.mark.parametrize("cause", CAUSES)
def test_the_cause_is_found_and_repaired_or_the_right_person_is_called(drilled, cause):
    app, world = drilled
    *stages, last = app.drills.follow(cause, 12_000)
    assert last.get("result", {}).get("passed"), (last, stages)
    for kind in (DEPLOYMENT, SERVICE):
        assert not [
            each["metadata"]["name"]
            for each in world.cluster.find_all(kind, world.namespace)
            if "deletionTimestamp" not in each["metadata"]
        ]
    world.wait(lambda: not world.cluster.find_all(POD, world.namespace))
