"""The operator on the shipped rules and pages about clusters, with a real control plane and a clock of the test.

The clock advances only with a look at the cluster at every fifteen seconds of it, so a slow machine makes a drill slow, not wrong.
"""

import contextlib
import time

from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Node
from prometheus_client import CollectorRegistry

from tests.databases import open_at
from tests.kubernetes.live.stand_in_kubelet import StandInKubelet
from trimtab.drills.run import DrilledService
from trimtab.incidents import EmbeddedMonitor, Incidents, Proofs, deliver
from trimtab.incidents.context import IncidentContext
from trimtab.incidents.ladders import load_ladders
from trimtab.incidents.store import IncidentStore
from trimtab.infra.audit import Audit
from trimtab.infra.notify import Outbox
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.infra.shipped import shipped
from trimtab.infra.telemetry import SignalCollector
from trimtab.kernel.operable import Catalog
from trimtab.kubernetes.faults import faults
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.monitor import Monitor
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.runbooks import Library
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

STEP_SECONDS = 15.0
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
    """Return the service under drill for one namespace of the cluster."""
    clock, samples, registry = LookingClock(), SeriesStore(), CollectorRegistry()
    catalog = Catalog(
        world.catalog.signals.values(), world.catalog.actions.values(), faults(world.clusters)
    )
    registry.register(SignalCollector(catalog.signals.values()))
    engine = RuleEngine(load_rules([shipped("rules") / "kubernetes.yml"]), samples)
    monitor = EmbeddedMonitor(engine, samples, clock, STEP_SECONDS)
    database = open_at(folder / "state.db", ("state", "incidents", "notify"))
    store = IncidentStore(database, Outbox(database))
    context = IncidentContext(
        store=store,
        library=Library(pages, ("kubernetes",)),
        catalog=catalog,
        monitor=monitor,
        audit=Audit(database, clock),
        clock=clock,
        settings=IncidentSettings(),
        ladders=load_ladders(),
        proofs=Proofs(store, "test-build"),
    )
    jobs = FakeJobs(clock)
    incidents = Incidents(context, jobs)
    rules = Monitor(
        Scrape(registry, samples),
        engine,
        lambda transition: deliver(transition, incidents),
        clock,
        MonitorSettings(),
    )

    def look():
        world.states.refresh()
        rules.look()

    def wait(seconds):
        begun = clock.monotonic()
        jobs.run(until=lambda: clock.monotonic() - begun >= seconds)
        if clock.monotonic() == begun:
            clock.advance(seconds)

    clock.look = look
    look()
    service = DrilledService(
        context.library, catalog, incidents, monitor, context.proofs, clock, wait
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
