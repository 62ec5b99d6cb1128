"""A whole service with one namespace of a control plane, whose clock runs fast, and the drills on it."""

import contextlib
import logging

from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Node

from tests.kubernetes.live.stand_in_kubelet import StandInKubelet
from trimtab.app import build
from trimtab.infra.settings import load

RATE = 60
"""Seconds of the service's clock in one second; the cluster's own time is not faster."""


def runs_nothing(kubeconfig):
    """Return whether the nodes are hollow: they report every pod as Running."""
    client = Client(config=KubeConfig.from_file(str(kubeconfig)), trust_env=False)
    runtimes = [node.status.nodeInfo.containerRuntimeVersion for node in client.list(Node)]
    client.close()
    return any("fake" in each.lower() for each in runtimes)


@contextlib.contextmanager
def failing_as_in_life(kubeconfig):
    """Let pods that cannot run fail, also on nodes that run nothing."""
    if not runs_nothing(kubeconfig):
        yield
        return
    with contextlib.closing(StandInKubelet(kubeconfig)):
        yield


@contextlib.contextmanager
def service(kubeconfig, namespace, folder, **more):
    """Yield a started service that watches the namespace."""
    logging.getLogger("trimtab").setLevel(logging.CRITICAL)
    given = {
        "service.data_dir": str(folder / "data"),
        "service.clock_rate": str(RATE),
        "service.drills": "true",
        "kubernetes.enabled": "true",
        "kubernetes.kubeconfig": str(kubeconfig),
        "kubernetes.namespaces": namespace,
        "kubernetes.refresh_seconds": "60",
        "monitor.scrape_interval_seconds": "15",
        "monitor.evaluation_interval_seconds": "15",
        **more,
    }
    app = build(load(flags=given, environment={}))
    try:
        app.start(handbook=False)
        yield app
    finally:
        app.close()
