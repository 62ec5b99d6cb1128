"""Use of processor and memory, with a stand-in for the metrics server."""

import pytest

from tests.kubernetes.live.stand_in_metrics import metrics_api
from trimtab.kubernetes.cluster import NODE
from trimtab.kubernetes.errors import ObjectUnknown
from trimtab.kubernetes.usage import POD_METRICS


def of_pod(world, name, cpu, memory):
    containers = [{"name": "main", "usage": {"cpu": cpu, "memory": memory}}]
    return {"metadata": {"name": name, "namespace": world.namespace}, "containers": containers}


@pytest.mark.timeout(300)
@pytest.mark.feature("F171", "F286")
def test_pods_and_nodes_tell_what_they_use(world, tmp_path):
    assert not world.cluster.serves(POD_METRICS), "the cluster has a metrics API of its own"
    world.deploy("web", resources={"limits": {"cpu": "500m", "memory": "1Gi"}})
    world.deploy("free", replicas=1)
    world.wait_ready("web", 2)
    world.wait_ready("free", 1)
    first, second = world.pods("web")
    (free,) = world.pods("free")
    node = world.cluster.find_all(NODE)[0]
    name, room = node["metadata"]["name"], int(node["status"]["allocatable"]["cpu"])
    with metrics_api(world, tmp_path) as metrics:
        metrics.pods = [
            of_pod(world, first, "400000000n", "512Mi"),
            of_pod(world, second, "500m", "1Gi"),
            of_pod(world, free, "1", "1Gi"),
            of_pod(world, "ended-meanwhile", "1", "1Gi"),
        ]
        usage = {"cpu": f"{room * 250}m", "memory": "1Gi"}
        metrics.nodes = [{"metadata": {"name": name}, "usage": usage}]
        world.states.refresh()
        assert world.states.errors == {}
        assert world.read("k8s.pods.cpu_ratio", name="web") == pytest.approx(0.9)
        assert world.read("k8s.pods.memory_ratio", name="web") == pytest.approx(0.75)
        assert world.read("k8s.pods.cpu_ratio", name="free") is None
        assert world.read("k8s.nodes.cpu_ratio", name=name) == pytest.approx(0.25)
        shown = world.dry_run("k8s.top").facts
        used = {each["name"]: each for each in shown["pods"]}
        assert used[first] == {"name": first, "cpu_cores": 0.4, "memory_bytes": 512 * 2**20}
        assert [each["cpu_cores"] for each in shown["pods"]] == [1.0, 1.0, 0.5, 0.4]
        assert [each["name"] for each in shown["nodes"]] == [name]
    assert world.read("k8s.pods.cpu_ratio", name="web") is None


def test_without_a_metrics_api_nothing_is_claimed(world):
    world.deploy("web")
    world.wait_ready("web", 2)
    assert world.read("k8s.pods.cpu_ratio", name="web") is None
    assert world.read("k8s.nodes.cpu_ratio") is None
    with pytest.raises(ObjectUnknown, match="offers no NodeMetrics"):
        world.dry_run("k8s.top")
