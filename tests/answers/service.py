"""The whole answer service on a data directory, with passages in place of knowledge."""

from tests.answers.world import FixedRetriever, passage
from trimtab.answers.service import AnswerService, Ground
from trimtab.infra.audit import Audit
from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.infra.signing import Signer
from trimtab.infra.storage import Database, DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.events import Events
from trimtab.privacy.erasure.service import Trust
from trimtab.privacy.pseudonyms import Subjects
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

QUESTION = "How many entries does the query cache hold?"


class Whole:
    """Attributes are the parts; `service` is what is under test."""

    def __init__(self, path, clock=None, jobs=None, screen=None, **settings):
        self.clock = clock or SystemClock()
        self.directory = DataDirectory(path)
        self.database = Database(self.directory.file("state.db"), ("state", "answers"))
        self.retriever = FixedRetriever(passage())
        self.events = Events()
        self.jobs = jobs or FakeJobs(FakeClock())
        ground = Ground(self.database, self.clock, self.events)
        self.service = AnswerService(
            AnswersSettings(**settings), ground, self.retriever, screen=screen
        )
        self.audit = Audit(self.database, self.clock)
        trust = Trust(
            self.audit,
            Signer.of(self.directory),
            Subjects.of(self.database, self.clock, self.directory),
        )
        self.service.with_erasure(self.jobs, trust)
        self.jobs.launch()

    def close(self):
        self.service.close()
        self.database.close()
        self.directory.close()
