"""A namespace with 5,000 pods is read page by page; the server is a double that gives pages."""

import contextlib
from collections import Counter

import pytest

from tests.kubernetes.channel_server import ChannelServer
from tests.kubernetes.test_unreachable import CONFIG
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.operable import ActionContext, check_arguments
from trimtab.kubernetes.cluster_state import ClusterStates
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.pod_reads import pod_read_actions
from trimtab.kubernetes.targets import Targets

PODS = "/api/v1/namespaces/production/pods"
COUNT = 5000


def pod(number):
    ready = number % 10 != 0
    state = {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"name": "main", "ready": ready, "restartCount": int(not ready), "state": state}
    return {
        "metadata": {
            "name": f"web-5d-{number}",
            "namespace": "production",
            "labels": {"pod-template-hash": "5d"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d"}],
        },
        "spec": {"containers": [{"name": "main"}], "nodeName": "node-1"},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


class Pages:
    """The lists of a cluster in pages, as the API server gives them."""

    def __init__(self):
        self.asked = Counter()
        self.largest = 0
        self.pods = [pod(number) for number in range(COUNT)]

    def answer(self, path, query):
        self.asked[path] += 1
        found = self.pods if path == PODS else []
        begin, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", [COUNT])[0])
        page = found[begin : begin + limit]
        self.largest = max(self.largest, len(page))
        more = {"continue": str(begin + limit)} if begin + limit < len(found) else {}
        return {"kind": "List", "apiVersion": "v1", "metadata": more, "items": page}


@pytest.fixture
def clusters(tmp_path):
    pages = Pages()
    with contextlib.closing(ChannelServer(None, pages.answer)) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(CONFIG % server.port)
        settings = KubernetesSettings(
            enabled=True, kubeconfig=str(path), namespaces=("production",)
        )
        made = Clusters(settings)
        yield made, pages
        made.close()


def test_signals_of_5000_pods_come_from_pages_of_500(clusters):
    made, pages = clusters
    states = ClusterStates(made, SystemClock())
    states.refresh()
    assert states.errors == {}
    assert (pages.asked[PODS], pages.largest) == (10, 500)
    phases = {each.labels["phase"]: each.value for each in states.samples("pods")}
    assert phases["Running"] == 5000.0
    assert [each.value for each in states.samples("restarts")] == [500.0]
    waiting = {each.labels["reason"]: each.value for each in states.samples("waiting")}
    assert waiting["CrashLoopBackOff"] == 500.0


def test_the_failing_ones_of_5000_pods_are_listed(clusters):
    made, pages = clusters
    (action,) = [
        each for each in pod_read_actions(Targets(made), SystemClock()) if each.name == "k8s.pods"
    ]
    done = action.run(check_arguments(action.params, {"failing": True}), ActionContext("k", "test"))
    assert done.summary == "5000 pods in production, 500 of them not ready."
    assert len(done.facts["pods"]) == 500
    assert pages.asked[PODS] == 10
