"""The operator on the shipped rules and pages about clusters, with a real control plane and a clock of the test.

The clock advances only with a look at the cluster at every fifteen seconds of it, so a slow machine makes a drill slow, not wrong.
"""

import contextlib
import time

from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Node

from tests.databases import open_at
from tests.drills.shipped import STEP_SECONDS, STORES, drilled_service
from tests.kubernetes.live.stand_in_kubelet import StandInKubelet
from trimtab.kernel.operable import Catalog
from trimtab.kubernetes.faults import faults
from trimtab.testing.clock import FakeClock

PAUSE_SECONDS = 0.1
"""Real time that the controllers of the cluster get for each step."""


class LookingClock(FakeClock):
    """Looks at the cluster after every step of its time."""

    def __init__(self):
        super().__init__()
        self.look = lambda: None

    def advance(self, seconds):
        while seconds > 0:
            super().advance(min(seconds, STEP_SECONDS))
            seconds -= STEP_SECONDS
            time.sleep(PAUSE_SECONDS)
            self.look()


def drilled(world, pages, folder):
    """Return the service under drill for one namespace of the cluster, and its database."""
    catalog = Catalog(
        world.catalog.signals.values(), world.catalog.actions.values(), faults(world.clusters)
    )
    database = open_at(folder / "state.db", STORES)
    service = drilled_service(
        "kubernetes", catalog, LookingClock(), world.states.refresh, pages, database
    )
    return service, database


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
