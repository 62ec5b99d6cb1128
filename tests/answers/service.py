"""Answers, evaluation and erasure on a data directory, with passages in place of knowledge."""

from tests.answers.world import FixedRetriever, passage
from tests.databases import open_at
from trimtab.answers.service import AnswersContext, AnswerService
from trimtab.answers.tracing.exporter import exporter_of
from trimtab.evaluation.service import EvaluationService
from trimtab.infra.audit import Audit
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.infra.signing import Signer
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.privacy.erasure import Erasures
from trimtab.privacy.erasure.service import ErasureEvidence
from trimtab.privacy.erasure.store import ErasureStore
from trimtab.privacy.pseudonyms import Subjects
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

QUESTION = "How many entries does the query cache hold?"


class Whole:
    """Attributes are the parts; `service` is what is under test."""

    def __init__(self, path, clock=None, jobs=None, guards=None, embedder=None, **settings):
        self.clock = clock or SystemClock()
        self.directory = DataDirectory(path)
        self.database = open_at(self.directory.file("state.db"), ("state", "answers"))
        self.retriever = FixedRetriever(passage())
        self.events = Events()
        self.jobs = jobs or FakeJobs(FakeClock())
        context = AnswersContext(self.database, self.clock, self.events, self.directory)
        self.settings = AnswersSettings(**settings)
        self.service = AnswerService(self.settings, context, self.retriever, guards=guards)
        self.exporter = exporter_of(self.settings, self.service.traces, self.clock)
        self.evaluation = EvaluationService(self.service, embedder)
        self.audit = Audit(self.database, self.clock)
        evidence = ErasureEvidence(
            self.audit,
            Signer.of(self.directory),
            Subjects.of(self.database, self.clock, self.directory),
        )
        self.erasures = Erasures(
            ErasureStore(self.database),
            (*self.service.personal_data(), *self.evaluation.personal_data()),
            self.jobs,
            evidence,
            self.clock,
            (self.database,),
        )
        self.jobs.launch()

    def close(self):
        self.evaluation.close()
        self.exporter.close()
        self.service.close()
        self.database.close()
        self.directory.close()
