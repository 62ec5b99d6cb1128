"""Builds a whole trimtab: every domain, in the order in which they need each other."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import trimtab
from trimtab.answers import Screen
from trimtab.answers.service import AnswerService
from trimtab.answers.service import Ground as AnswerGround
from trimtab.answers.signals import recent_errors
from trimtab.answers.tracing import health as tracing_health
from trimtab.api import Services
from trimtab.api.http import HttpMetrics
from trimtab.app.adapters import (
    KnowledgeEmbedder,
    KnowledgeRetriever,
    OwnQuestions,
    QuestionsImpact,
    channels_of,
    check_expression,
    places_of,
)
from trimtab.app.catalog import gather_catalog
from trimtab.app.erasables import erasables
from trimtab.app.faces import make_faces
from trimtab.app.handbook import HANDBOOK, Handbook
from trimtab.app.page_names import known_names
from trimtab.app.rounds import rounds
from trimtab.drills import DrillRoom
from trimtab.gates.room import GatesRoom
from trimtab.guardrails.service import Guardrails
from trimtab.incidents import (
    EmbeddedMonitor,
    Ground,
    Incidents,
    IncidentStore,
    Proofs,
    deliver,
    firing_before,
    load_ladders,
    shipped_proofs,
)
from trimtab.infra.audit import Audit
from trimtab.infra.audit_anchor import anchor_of
from trimtab.infra.audit_files import AuditFiles
from trimtab.infra.auth import Keys
from trimtab.infra.changes import ChangeLog
from trimtab.infra.jobs import Jobs
from trimtab.infra.jobs.opening import OpeningJobs
from trimtab.infra.key_care import make_first_key, parse_key_roles, seed
from trimtab.infra.notify import Delivery, Outbox, Reach
from trimtab.infra.scheduler import Scheduler
from trimtab.infra.settings import Settings
from trimtab.infra.settings.digest import digests
from trimtab.infra.shipped import shipped
from trimtab.infra.signing import Signer
from trimtab.infra.storage import Database, DataDirectory, DiskReserve, losses
from trimtab.infra.telemetry import SignalCollector, new_registry
from trimtab.infra.vitals import Vitals
from trimtab.infra.web import LiveViews, Sessions
from trimtab.infra.web.sessions import session_secret
from trimtab.kernel.clock import Clock, SystemClock
from trimtab.kernel.events import Events
from trimtab.kernel.health import ComponentHealth, Health, Status
from trimtab.kernel.tasks import ScheduledTask
from trimtab.knowledge import Knowledge, KnowledgeContext
from trimtab.knowledge.errors import ProjectUnknown
from trimtab.knowledge.schedules import register as register_knowledge_schedules
from trimtab.monitoring.alerts import AlertState
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import Known, check_rules, read_rules
from trimtab.monitoring.monitor import Monitor
from trimtab.monitoring.proofs import check_proof
from trimtab.monitoring.rule import AlertRule
from trimtab.monitoring.scrape import Scrape, milliseconds
from trimtab.monitoring.series import SeriesStore
from trimtab.monitoring.signals import metric_names
from trimtab.monitoring.views import SeriesView, metrics_apart
from trimtab.operations.checklists import Tasks
from trimtab.privacy.erasure.service import Trust
from trimtab.privacy.pseudonyms import Subjects
from trimtab.privacy.quote_redaction import QuoteStore
from trimtab.runbooks import Library, Page, Runbook, parse_page
from trimtab.runbooks.claims import Claim, check_claims
from trimtab.runbooks.lint import lint
from trimtab.runbooks.sources import check_source

_log = logging.getLogger(__name__)


class App:
    """A whole trimtab on one data directory, in the order in which its parts need each other."""

    def __init__(self, settings: Settings, directory: DataDirectory, clock: Clock) -> None:
        self.settings = settings
        self.directory = directory
        self.clock = clock
        self._closing: list[Callable[[], None]] = [directory.close]
        try:
            self._lay_ground()
            self._open_service()
            self._open_operator()
            self.drills = DrillRoom(self)
            self._closing.append(self.drills.stop)
            self.faces = make_faces(self._services(), self.figures)
        except BaseException:
            self.close()
            raise

    def _lay_ground(self) -> None:
        self.health = Health(self.clock)
        self.registry = new_registry()
        self.figures = HttpMetrics(self.clock)
        self.registry.register(self.figures)
        self.events = Events()
        chains = ("state", "incidents", "answers")
        self.state = Database(self.directory.file("state.db"), chains, page_sums=True)
        self._closing.append(self.state.close)
        self.health.register("database", self._database_health)
        self.audit = Audit(self.state, self.clock)
        self.vitals = Vitals(self.audit, self.clock)
        self.keys = Keys(self.state, self.clock, self.audit)
        self.first_start = make_first_key(self.keys, self.directory)
        seed(self.keys, parse_key_roles(self.settings.trust.api_key_roles))
        secret, hours = session_secret(self.directory), self.settings.api.session_hours
        self.sessions = Sessions(self.state, self.keys, self.clock, secret, hours)
        self.views = LiveViews()
        self.places = places_of(self.settings)
        self._closing.append(self.views.ending.set)

    def _open_service(self) -> None:
        around = KnowledgeContext(self.clock, self.events, self.health)
        self.knowledge = Knowledge(self.directory, self.settings.knowledge, around)
        self._closing.append(self.knowledge.close)
        self.handbook = Handbook(self.knowledge, self.clock)
        self._closing.append(self.handbook.close)
        self.guardrails = guards = Guardrails(self.settings.guardrails, self.clock, self.audit)
        self._closing.append(self.guardrails.close)
        screen = Screen(guards.questions, guards.answers, guards.passages, guards.finder.redact)
        self.answers = AnswerService(
            self.settings.answers,
            AnswerGround(self.state, self.clock, self.events),
            KnowledgeRetriever(self.knowledge),
            keywords=KnowledgeRetriever(self.knowledge, meaning=False),
            screen=screen if self.settings.guardrails.enabled else None,
        )
        self.answers.watch.embedder = KnowledgeEmbedder(self.knowledge)
        self._closing.append(self.answers.close)
        tracing_health.register(self.health, self.answers.exporter)
        project, keys = (
            Path(p) if p else None for p in (self.settings.gates.project, self.settings.gates.keys)
        )
        self.gates = GatesRoom(self.directory.folder("gates"), self.clock, project, keys)
        self._closing.append(self.gates.close)

    def _open_operator(self) -> None:
        self.outbox = Outbox(self.state)
        store = IncidentStore(self.state, self.outbox)
        self.changes = ChangeLog(self.clock, self.state)
        self.catalog = gather_catalog(self, store)
        self._load_rules_and_runbooks()
        self._watch()
        self.proofs = Proofs(
            store, trimtab.__version__, shipped_proofs(shipped("library") / "proofs.json")
        )
        channels = channels_of(self.settings)
        ground = Ground(
            store=store,
            library=self.library,
            catalog=self.catalog,
            monitor=self.monitor,
            audit=self.audit,
            clock=self.clock,
            settings=self.settings.incidents,
            ladders=load_ladders(self.settings.incidents.ladders_file),
            proofs=self.proofs,
            consult=self._consult,
            reach=Reach(channels),
            probe=OwnQuestions(self.knowledge, self.answers),
            impact=QuestionsImpact(self.monitor, self.settings.monitor.retention_minutes * 60),
        )
        self.jobs = OpeningJobs(self._durable_jobs)
        self._closing.append(self.jobs.close)
        self.health.register("jobs", self.jobs.health)
        self.incidents = Incidents(ground, self.jobs)
        register_knowledge_schedules(self.jobs, self.knowledge)
        signer = Signer.of(self.directory)
        subjects = Subjects.of(self.state, self.clock, self.directory)
        quotes = QuoteStore(self.state)
        others = erasables(self.knowledge, self.guardrails, self.outbox, quotes)
        self.erasures = self.answers.with_erasure(
            self.jobs,
            Trust(self.audit, signer, subjects, has_backups=True),
            others,
            (self.knowledge.database,),
        )
        self._keep_house(signer)
        self.delivery = Delivery(self.outbox, channels, self.clock, self.incidents.note_receipt)
        self._closing.append(self.delivery.close)
        # Last: signals of background tasks read every task, so all of them must exist.
        self.registry.register(SignalCollector(self.catalog.signals.values()))

    def _keep_house(self, signer: Signer) -> None:
        """Seal the audit chain, drop old traces, and know the operators' rounds."""
        local = self.directory.folder("audit_logs") / "local"
        anchor = anchor_of(self.settings.trust.audit_anchor)
        audit_files = AuditFiles(local, self.audit, signer, anchor)
        self.tasks = Tasks(
            self.answers, self.health, self.keys, audit_files, self.settings.trust, self._firing,
            rounds(self.knowledge.care.backups, self.clock),
        )  # fmt: skip
        seal_seconds = self.settings.trust.audit_checkpoint_minutes * 60
        self.scheduler = Scheduler(
            (
                ScheduledTask("seal the audit chain", seal_seconds, audit_files.seal),
                ScheduledTask("resume the jobs of incidents", 60.0, self.incidents.resume),
                ScheduledTask("drop old traces", 3600.0, self.answers.drop_old),
                ScheduledTask("keep disk space back", 1.0, DiskReserve(self.directory.path).look),
                ScheduledTask("read the guards' rules file", 5.0, self.guardrails.rules_file.look),
            ),
            self.clock,
        )
        self._closing.append(self.scheduler.close)

    def _firing(self) -> list[tuple[str, str]]:
        """Return the alerts that fire, each with the page it names, or nothing."""
        return [
            (alert.name, alert.annotations.get("runbook_url", "").removeprefix("runbook:"))
            for alert in self.engine.alerts(AlertState.FIRING)
        ]

    def _load_rules_and_runbooks(self) -> None:
        # Rules name runbooks and runbooks name alerts: the rules are read first, and checked when both are there.
        self.rule_groups = read_rules(sorted(shipped("rules").glob("*.yml")))
        self._alert_names = {
            rule.name
            for group in self.rule_groups
            for rule in group.rules
            if isinstance(rule, AlertRule)
        }
        self.library = Library.load(
            shipped("library"), self.catalog, self._alert_names, check_expression, check_proof
        )
        pages = {*self.library.runbooks, *self.library.procedures}
        exported = metric_names(self.registry, self.catalog.signals.values())
        known = Known(metrics=exported | set(HttpMetrics.NAMES), runbooks=pages)
        check_rules(self.rule_groups, known)

    def _watch(self) -> None:
        self.series = SeriesStore(self.settings.monitor.retention_minutes * 60)
        self.engine = RuleEngine(self.rule_groups, self.series)
        self.scrape = Scrape(self.registry, self.series)
        # No drill sends HTTP requests: those figures speak of users only.
        apart = metrics_apart(self.catalog.signals.values()) | HttpMetrics.NAMES
        self.user_series = SeriesView(self.series, apart)
        scrape_seconds = self.settings.monitor.scrape_interval_seconds
        self.monitor = EmbeddedMonitor(self.engine, self.series, self.clock, scrape_seconds, apart)
        self.watcher = Monitor(
            self.scrape,
            self.engine,
            lambda transition: deliver(transition, self.incidents),
            self.clock,
            self.settings.monitor,
        )
        self._closing.append(self.watcher.close)
        self.health.register("monitor", self._monitor_health)

    def start(self, *, handbook: bool = True) -> None:
        """Begin the work that goes on by itself: loads the model, watches the service, drives incidents.

        Args:
            handbook: Whether to take in the shipped pages in the background.
        """
        self.knowledge.start()
        self.vitals.started(trimtab.__version__, (self.state, self.knowledge.database))
        self._closing.append(self.vitals.stopped)
        self._note_changes()
        self.engine.resume(firing_before(self.incidents))
        self.answers.start()
        self.scheduler.start()
        if self.settings.gates.project or self.settings.service.drills:
            self.gates.start(self.settings.gates.interval_seconds)
        self.delivery.start()
        # Late, because the import of their engine takes the interpreter from everything else.
        self.jobs.launch(then=self._resume)
        self.watcher.start()
        if handbook:
            self.handbook.start()

    def _note_changes(self) -> None:
        """Record a release or settings that are others than at the last start; values are in no record."""
        digested = digests(self.settings, session_secret(self.directory))
        for change in self.changes.note_start(trimtab.__version__, digested):
            self.audit.append("trimtab", f"service.{change.kind}_changed", change.action)
        self._closing.append(lambda: self.changes.note_stop(recent_errors(self.answers)))

    def _resume(self) -> None:
        self.incidents.resume()
        self.erasures.resume()

    def start_for_a_moment(self) -> None:
        """Load the model and take one sample of everything, for a command that builds its own app.

        Nothing is watched and no incident is driven: nothing of it would come to its end.
        """
        self.knowledge.start()
        self.scrape.take(self.clock.now())

    def wait(self, seconds: float) -> None:
        """Let the service work for that long, in seconds of its clock; a drill waits so."""
        self.clock.wait(self.views.ending, seconds)

    def close(self) -> None:
        """Stop working and release everything, the newest first. May be called twice."""
        while self._closing:
            self._closing.pop()()

    def check_page(self, text: str, path: str) -> Page:
        """Return a runbook page as it would load here, or raise `RunbookRefused`."""
        page = parse_page(text, path)
        if isinstance(page, Runbook):
            lint(page, self.catalog, self._alert_names, check_expression, check_proof)
        return page

    def check_prose(self, text: str, commands: Mapping[str, frozenset[str]]) -> Sequence[Claim]:
        """Return what a page names in prose or as its source that does not exist."""
        return [*check_claims(text, known_names(self, commands)), *check_source(text)]

    def _services(self) -> Services:
        return Services(
            settings=self.settings,
            clock=self.clock,
            health=self.health,
            registry=self.registry,
            catalog=self.catalog,
            changes=self.changes,
            audit=self.audit,
            keys=self.keys,
            sessions=self.sessions,
            views=self.views,
            places=self.places,
            knowledge=self.knowledge,
            answers=self.answers,
            tasks=self.tasks,
            traces=self.answers.traces,
            feedback=self.answers.feedback,
            series=self.user_series,
            rules=self.engine,
            library=self.library,
            proofs=self.proofs,
            check_page=self.check_page,
            check_prose=self.check_prose,
            incidents=self.incidents,
            gates=self.gates,
            drills=self.drills,
        )

    def _consult(self, question: str) -> Sequence[str]:
        try:
            found = self.knowledge.search(HANDBOOK, question[:1000], 3, labels=())
        except ProjectUnknown:
            return ()
        return [f"{passage.document_name}: {passage.text}" for passage in found.passages]

    def _durable_jobs(self) -> Jobs:
        from trimtab.infra.jobs.durable import DurableJobs

        return DurableJobs(self.directory.file("jobs.db"), self.clock)

    def _database_health(self) -> ComponentHealth:
        with self.state.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        return losses(self.state) or ComponentHealth(Status.UP)

    def _monitor_health(self) -> ComponentHealth:
        newest = self.series.newest_ms()
        if newest is None:
            return ComponentHealth(Status.UP, facts={"rules": len(self.engine.health())})
        age = (milliseconds(self.clock.now()) - newest) / 1000
        late = age > 6 * self.settings.monitor.scrape_interval_seconds
        broken = [health.rule for health in self.engine.health() if health.error]
        if late:
            return ComponentHealth(Status.DOWN, f"The last scrape was {age:.0f} s ago.")
        if broken:
            return ComponentHealth(Status.DEGRADED, f"Rules that fail: {', '.join(broken)}.")
        return ComponentHealth(Status.UP, facts={"rules": len(self.engine.health())})


def build(settings: Settings, clock: Clock | None = None) -> App:
    """Return a trimtab on the data directory of the settings, not yet started.

    Raises:
        TrimtabError: The data directory cannot be used, or something in it is broken or too new.
    """
    directory = DataDirectory(settings.service.data_dir)
    return App(settings, directory, clock or SystemClock(settings.service.clock_rate))
