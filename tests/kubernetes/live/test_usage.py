"""Use of processor and memory where the cluster has no metrics API."""

import pytest

from trimtab.kubernetes.errors import ObjectUnknown


def test_without_a_metrics_api_nothing_is_claimed(world):
    world.deploy("web")
    world.wait_ready("web", 2)
    assert world.read("k8s.pods.cpu_ratio", name="web") is None
    assert world.read("k8s.nodes.cpu_ratio") is None
    with pytest.raises(ObjectUnknown, match="offers no NodeMetrics"):
        world.dry_run("k8s.top")
