"""Every cause of the pages about clusters, drilled: real objects are broken, and the operator has to find and repair it."""

import secrets

import pytest

from tests.kubernetes.live.drilled import drilled, failing_as_in_life
from tests.kubernetes.live.world import World
from trimtab.drills.run import run_drill
from trimtab.infra.shipped import shipped
from trimtab.kubernetes.cluster import DEPLOYMENT, SERVICE
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
def cluster(kubeconfig):
    with failing_as_in_life(kubeconfig):
        yield kubeconfig


def test_every_page_needs_a_cluster():
    assert {page.needs for page in PAGES} == {"kubernetes"}
    assert len(CAUSES) == 10


@pytest.mark.timeout(400)
@pytest.mark.parametrize("cause", CAUSES)
def test_the_cause_is_found_and_repaired_or_the_right_person_is_called(cluster, cause, tmp_path):
    (tmp_path / "chromadb-service.yaml").write_text(MANIFEST)
    world = World(cluster, f"test-{secrets.token_hex(4)}", manifests=str(tmp_path))
    world.create_namespace()
    service, database = drilled(world, PAGES, tmp_path)
    try:
        result = run_drill(service, cause, timeout_seconds=20_000)
        told = [entry.text for entry in service.incidents.timeline(result.incident_id)]
        assert result.passed, (result, told)
        for kind in (DEPLOYMENT, SERVICE):
            assert not world.cluster.find_all(kind, world.namespace)
    finally:
        database.close()
        world.close()
