"""A whole trimtab in one process: environment, modules and HTTP apps."""

from contextlib import ExitStack

from trimtab.answers.service import AnswerService
from trimtab.answers.tracing import SpanExporter
from trimtab.api.http import HttpMetrics
from trimtab.app.assembly import Assembly
from trimtab.app.handbook import Handbook
from trimtab.app.http_apps import make_http_apps
from trimtab.app.leader_tasks import restrict_to_leader
from trimtab.app.modules import MODULES
from trimtab.app.page_names import known_names
from trimtab.app.roles import Roles
from trimtab.drills import DrillRunner
from trimtab.evaluation.service import EvaluationService
from trimtab.gates.monitor import GateMonitor
from trimtab.guardrails.service import Guardrails
from trimtab.incidents import EmbeddedMonitor, Incidents
from trimtab.incidents.module import IncidentRecords
from trimtab.infra.environment import open_environment
from trimtab.infra.notify import Outbox
from trimtab.infra.process_metrics import ProcessMetrics
from trimtab.infra.restarts import Restarts
from trimtab.infra.settings import Settings
from trimtab.infra.telemetry import SignalCollector
from trimtab.infra.web.module import Web
from trimtab.infra.web.routes import ProvidedServices
from trimtab.kernel.clock import Clock, SystemClock
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.knowledge import Knowledge
from trimtab.models.service import Models
from trimtab.monitoring.service import Monitoring
from trimtab.operations.checklists import Checklists
from trimtab.privacy.erasure import Erasures
from trimtab.review import Reviews
from trimtab.runbooks.claims import KnownNames
from trimtab.runbooks.service import Commands, ProseChecks, Runbooks


class App:
    """A whole trimtab on one data directory, built and not yet started.

    Args:
        settings: Name the directory.
        clock: Of the process.

    Raises:
        TrimtabError: The data directory cannot be used, or something in it is broken or too new.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.roles = roles = Roles(settings.service.roles)
        # The stack closes what was opened, the newest first, when a later part cannot be built.
        with ExitStack() as closing:
            self.env = env = open_environment(settings, clock, closing)
            figures = HttpMetrics(clock)
            env.registry.register(figures)
            self.assembly = Assembly(env, closing, roles)
            self.assembly.add(Module("requests", figures))
            for build_module in MODULES:
                self.assembly.build(build_module)
            restrict_to_leader(self.assembly.tasks(), env.fleet)
            self._find_services()
            provided = [env, roles, ProseChecks(self._known_names), *self.assembly.services()]
            self.http_apps = make_http_apps(ProvidedServices(provided), figures)
            # Last: signals of background tasks read every task, so all of them must exist.
            env.registry.register(SignalCollector(self.assembly.signals()))
            self._closing = closing.pop_all()

    def _find_services(self) -> None:
        env, service = self.env, self.assembly.service
        self.settings, self.directory, self.clock = env.settings, env.directory, env.clock
        self.state, self.registry, self.health = env.state, env.registry, env.health
        self.audit, self.keys, self.jobs, self.changes = env.audit, env.keys, env.jobs, env.changes
        self.knowledge = service(Knowledge)
        self.guardrails = service(Guardrails)
        self.answers = service(AnswerService)
        self.exporter = service(SpanExporter)
        self.evaluation = service(EvaluationService)
        self.models = service(Models)
        self.erasures = service(Erasures)
        self.gates = service(GateMonitor)
        self.reviews = service(Reviews)
        self.outbox = service(Outbox)
        self.catalog = service(Catalog)
        self.monitoring, self.monitor = service(Monitoring), service(EmbeddedMonitor)
        self.runbooks = service(Runbooks)
        self.library = self.runbooks.library
        self.proofs = service(IncidentRecords).proofs
        self.incidents = service(Incidents)
        self.checklists = service(Checklists)
        self.drills = service(DrillRunner)
        self.handbook = service(Handbook)
        self.process_metrics = service(ProcessMetrics)
        self.restarts = service(Restarts)
        web = service(Web)
        self.sessions, self.views = web.sessions, web.views

    def start(self, *, handbook: bool = True) -> None:
        """Start every module in order: load the model, watch the service, drive incidents.

        Args:
            handbook: Whether to ingest the shipped pages in the background.
        """
        self.assembly.start(frozenset() if handbook else frozenset({"handbook"}))

    def start_for_a_moment(self) -> None:
        """Load the model and take one sample, for a command that builds its own app.

        Nothing is watched and no incident is driven: the process ends before any of it is done.
        """
        self.knowledge.start()
        self.monitoring.take_sample()

    def close(self) -> None:
        """Stop and release every module, the newest first. May be called twice."""
        self._closing.close()

    def _known_names(self, commands: Commands) -> KnownNames:
        return known_names(self.catalog, self.registry, self.http_apps, commands)


def build(settings: Settings, clock: Clock | None = None) -> App:
    """Return a trimtab on the data directory of the settings, not yet started.

    Raises:
        TrimtabError: The data directory cannot be used, or something in it is broken or too new.
    """
    return App(settings, clock or SystemClock(settings.service.clock_rate))
