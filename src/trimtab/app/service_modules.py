"""Builders of service modules that need other domains."""

from trimtab.answers import module as answers
from trimtab.answers.quote_redaction import QuoteStore
from trimtab.answers.service import AnswerService
from trimtab.answers.signals import recent_errors
from trimtab.api.http import HttpMetrics
from trimtab.app.assembly import Assembly
from trimtab.app.foundation import AnswersFoundation
from trimtab.app.handbook import HANDBOOK, PAGES_FILE, Handbook
from trimtab.app.operator_ports import PROBE
from trimtab.app.retrieval import KnowledgeEmbedder, KnowledgeRetriever
from trimtab.app.review_sources import FlywheelTasks, GateFindings, ModelFindings
from trimtab.evaluation import module as evaluation
from trimtab.evaluation.contradictions import ContradictionFinder, contradiction_signal
from trimtab.gates.monitor import GateMonitor
from trimtab.guardrails.service import Guardrails
from trimtab.infra import module as infra
from trimtab.infra.background import background_signals
from trimtab.infra.notify import Delivery, Outbox, Reach
from trimtab.infra.notify import module as notify
from trimtab.infra.web.module import Web
from trimtab.kernel.module import Module
from trimtab.kernel.operable import Catalog
from trimtab.kernel.tasks import ScheduledTask
from trimtab.knowledge import Knowledge
from trimtab.models import module as models
from trimtab.models.monitoring import module as model_monitoring
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.retraining import module as model_retraining
from trimtab.models.retraining.candidates import retraining_trainers
from trimtab.models.service import Models
from trimtab.privacy import module as privacy
from trimtab.review import Reviews
from trimtab.review import module as review

_COMPARE_SECONDS = 600.0


def build_process(assembly: Assembly) -> Module:
    """Return the metrics of the process, which records what its databases had lost."""
    databases = (assembly.env.state, assembly.service(Knowledge).database)
    return infra.build_process(assembly.env, databases)


def build_embedding(assembly: Assembly) -> Module:
    """Return the start of the embedding models alone, where knowledge is not started."""
    knowledge, alone = assembly.service(Knowledge), not assembly.roles.starts("knowledge")
    return Module("embedding", None, start=(knowledge.load_models,) if alone else ())


def build_databases(assembly: Assembly) -> Module:
    """Return the reports on the queries of every database."""
    databases = (assembly.env.state, assembly.service(Knowledge).database)
    return infra.build_databases(databases, assembly.env.clock)


def build_queues(assembly: Assembly) -> Module:
    """Return the depth of the queues of requests, notifications and feedback."""
    limiter, outbox = assembly.service(Web).limiter, assembly.service(Outbox)
    reviews = assembly.service(Reviews)
    return infra.build_queues(
        {
            "requests": lambda: float(limiter.waiting),
            "notifications": lambda: float(outbox.undelivered()),
            "feedback": lambda: float(reviews.queue_figures()[-1].depth),
        }
    )


def build_notifications(assembly: Assembly) -> Module:
    """Return self-tests and dead letters of the notification channels."""
    outbox, reach = assembly.service(Outbox), assembly.service(Reach)
    return notify.build_notifications(
        assembly.env, outbox, reach, lambda: assembly.service(Delivery)
    )


def build_outage(assembly: Assembly) -> Module:
    """Return the page for an outage of the whole system."""
    outbox, reach = assembly.service(Outbox), assembly.service(Reach)
    return notify.build_outage(assembly.env, outbox, reach)


def build_answers(assembly: Assembly) -> Module:
    """Return answers that search in knowledge and are judged by the guardrails."""
    knowledge = assembly.service(Knowledge)
    retrieval = answers.Retrieval(
        best=KnowledgeRetriever(knowledge),
        keywords=KnowledgeRetriever(knowledge, meaning=False),
    )
    return answers.build(assembly.env, retrieval, assembly.service(Guardrails))


def build_tracing(assembly: Assembly) -> Module:
    """Return the export of the answers' traces."""
    return answers.build_tracing(assembly.env, assembly.service(AnswerService))


def build_evaluation(assembly: Assembly) -> Module:
    """Return the evaluation of answers, with the embedding model of knowledge."""
    embedder = KnowledgeEmbedder(assembly.service(Knowledge))
    return evaluation.build(assembly.service(AnswerService), embedder)


def build_contradictions(assembly: Assembly) -> Module:
    """Return the comparison of new documents with older ones, but for the shipped pages."""
    knowledge = assembly.service(Knowledge)
    finder = ContradictionFinder(knowledge.neighbours, assembly.env.clock)

    def look() -> None:
        finder.look({found.project for found in knowledge.recent} - {HANDBOOK})

    return Module(
        "contradictions",
        finder,
        signals=(contradiction_signal(finder),),
        scheduled=(ScheduledTask("compare new documents with older ones", _COMPARE_SECONDS, look),),
    )


def build_review(assembly: Assembly) -> Module:
    """Return the review queues of answers, guards, models and gates."""
    engines = assembly.service(Guardrails).engines
    known, monitor = assembly.service(Models), assembly.service(ModelMonitor)
    from_models = ModelFindings(known, monitor, assembly.env.clock)
    return review.build(
        assembly.env,
        assembly.service(AnswerService),
        lambda judged, wrongly: engines[judged].review(wrongly_blocked=wrongly),
        [GateFindings(assembly.service(GateMonitor)), from_models],
        frozenset({PROBE}),
    )


def build_flywheel(assembly: Assembly) -> Module:
    """Return the weekly flywheel over stored answers and the review queues."""
    answers_ = assembly.service(AnswerService)
    tasks = FlywheelTasks(assembly.service(Reviews))
    return evaluation.build_flywheel(assembly.env, answers_, tasks, frozenset({PROBE}))


def build_models(assembly: Assembly) -> Module:
    """Return the trained models; those that read text use the embedding model of knowledge."""
    foundation = AnswersFoundation(assembly.service(AnswerService))
    return models.build(assembly.env, KnowledgeEmbedder(assembly.service(Knowledge)), foundation)


def build_model_monitoring(assembly: Assembly) -> Module:
    """Return the monitoring of models that run here or anywhere."""
    return model_monitoring.build(assembly.env, assembly.service(Models))


def build_model_retraining(assembly: Assembly) -> Module:
    """Return the retraining of the models that this package trains."""
    found = assembly.service(Models)
    trainers = retraining_trainers(found.registry, found.context.encoder)
    return model_retraining.build(assembly.env, found, trainers)


def build_privacy(assembly: Assembly) -> Module:
    """Return erasures over the personal data of every module before."""
    steps = [step for module in assembly.modules for step in module.personal_data]
    quotes = QuoteStore(assembly.env.state)
    knowledge, models_ = assembly.service(Knowledge), assembly.service(Models)
    databases = (assembly.env.state, knowledge.database, models_.context.database)
    return privacy.build(assembly.env, knowledge, quotes, steps, databases)


def build_changes(assembly: Assembly) -> Module:
    """Return the recorded changes, which actions of the catalog roll back."""
    answers_ = assembly.service(AnswerService)
    return infra.build_changes(
        assembly.env, lambda: assembly.service(Catalog), lambda: recent_errors(answers_)
    )


def build_response_history(assembly: Assembly) -> Module:
    """Return the normal response time of each hour, learnt from the requests of users."""
    return infra.build_response_history(assembly.env, assembly.service(HttpMetrics).recent_p99)


def build_catalog(assembly: Assembly) -> Module:
    """Return the catalog of what every module before can measure, do and break.

    The signals of background tasks read the tasks of all modules, also of later ones.
    """
    background = background_signals(assembly.tasks, assembly.env.clock)
    modules = assembly.modules
    catalog = Catalog(
        signals=(*(entry for module in modules for entry in module.signals), *background),
        actions=[entry for module in modules for entry in module.actions],
        faults=[entry for module in modules for entry in module.faults],
    )
    return Module("catalog", catalog)


def build_handbook(assembly: Assembly) -> Module:
    """Return the project of the shipped pages, which is kept up to date in the background."""
    env = assembly.env
    handbook = Handbook(assembly.service(Knowledge), env.directory.file(PAGES_FILE), env.clock)
    return Module(
        "handbook",
        handbook,
        tasks=(handbook.task,),
        start=(handbook.start,),
        close=(handbook.close,),
    )
