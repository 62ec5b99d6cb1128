"""Autoscaling on response time: the shipped manifest, judged by the server, and obeyed by the real controller.

Response times come from a stand-in for the adapter of Prometheus, which the API server asks as it does a real one.
"""

import contextlib

import pytest

from tests.kubernetes.live.stand_in_metrics import StandInApi, passed_on
from trimtab.infra.shipped import shipped
from trimtab.kubernetes.cluster import AUTOSCALER
from trimtab.kubernetes.errors import ObjectUnknown

METRIC = "http_request_p95_seconds"
GROUP = "/apis/custom.metrics.k8s.io/v1beta1"
GIVEN = {"name": "api-gateway", "kind": "horizontalpodautoscaler"}


class ResponseTimes(StandInApi):
    """The response time that every pod has."""

    def __init__(self, folder, world):
        self.seconds = "100m"
        self._world = world
        super().__init__(folder)

    def answer(self, path):
        version = GROUP.removeprefix("/apis/")
        path = path.split("?")[0]
        if path == GROUP:
            resource = {
                "name": f"pods/{METRIC}",
                "singularName": "",
                "namespaced": True,
                "kind": "MetricValueList",
                "verbs": ["get"],
            }
            return {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": version,
                "resources": [resource],
            }
        assert path == f"{GROUP}/namespaces/{self._world.namespace}/pods/*/{METRIC}"
        items = [
            {
                "describedObject": {
                    "kind": "Pod",
                    "namespace": self._world.namespace,
                    "name": name,
                    "apiVersion": "/v1",
                },
                "metricName": METRIC,
                "timestamp": "2026-01-01T00:00:00Z",
                "value": self.seconds,
            }
            for name in self._world.pods("api-gateway")
        ]
        return {"kind": "MetricValueList", "apiVersion": version, "metadata": {}, "items": items}


def test_a_dry_run_shows_the_autoscaler_and_makes_none(world):
    tried = world.dry_run("k8s.apply", **GIVEN)
    assert "would be made from its manifest" in tried.summary
    lines = tried.facts["difference"]
    assert f"spec.metrics[0].pods.metric.name: absent -> {METRIC}" in lines
    assert "spec.metrics[0].pods.target.averageValue: absent -> 500m" in lines
    assert "spec.maxReplicas: absent -> 10" in lines
    with pytest.raises(ObjectUnknown):
        world.get(AUTOSCALER, "api-gateway")


def test_the_manifest_is_the_one_that_ships(world):
    file = shipped("deployments") / "kubernetes" / "api-gateway-horizontalpodautoscaler.yaml"
    assert METRIC in file.read_text(encoding="utf-8")
    world.run("k8s.apply", "act", **GIVEN)
    assert not world.run("k8s.apply", "again", **GIVEN).changes


@pytest.mark.feature("F188")
def test_slow_responses_bring_more_pods_and_fast_ones_do_not(world, tmp_path):
    world.deploy("api-gateway", replicas=2)
    world.wait_ready("api-gateway", 2)

    def status():
        return world.get(AUTOSCALER, "api-gateway").get("status") or {}

    def seen(seconds):
        found = [each.get("pods") or {} for each in status().get("currentMetrics") or ()]
        return [each.get("current", {}).get("averageValue") for each in found] == [seconds]

    with (
        contextlib.closing(ResponseTimes(tmp_path, world)) as times,
        passed_on(world, times, "custom.metrics.k8s.io"),
    ):
        world.run("k8s.apply", "act", **GIVEN)
        world.wait(lambda: seen("100m"), 120)
        assert status()["desiredReplicas"] == 2
        (warning,) = world.dry_run("k8s.scale", name="api-gateway", replicas=4).facts["warnings"]
        assert "keeps 2 to 10 replicas" in warning
        # It undoes a scale below its minimum.
        world.run("k8s.scale", "low", name="api-gateway", replicas=1)
        world.wait(lambda: world.get("deployment", "api-gateway")["spec"]["replicas"] == 2)
        times.seconds = "2"
        world.wait(lambda: world.get("deployment", "api-gateway")["spec"]["replicas"] > 2, 120)
        world.wait(lambda: world.read("k8s.autoscaler.at_limit", name="api-gateway") == 1.0, 120)
    assert world.get("deployment", "api-gateway")["spec"]["replicas"] == 10
