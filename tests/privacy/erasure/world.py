"""An erasure service on a data directory, with a store of notes about people as what is erased."""

import sqlalchemy as sa

from tests.databases import open_at
from trimtab.infra.audit import Audit
from trimtab.infra.jobs.durable import DurableJobs
from trimtab.infra.signing import Signer
from trimtab.infra.storage import DataDirectory
from trimtab.kernel.clock import SystemClock
from trimtab.privacy.erasure import Erasures
from trimtab.privacy.erasure.service import ErasureEvidence
from trimtab.privacy.erasure.store import ErasureStore
from trimtab.privacy.pseudonyms import Subjects


class Notes:
    """Things about people in a table of their own."""

    def __init__(self, database, name):
        self.name = name
        self.database = database
        self.before_erase = self.after_erase = lambda: None
        with database.write() as connection:
            connection.execute(sa.text(f'create table if not exists "{name}" (user_id text, note text)'))  # fmt: skip

    def add(self, user_id, note="note"):
        with self.database.write() as connection:
            connection.execute(
                sa.text(f'insert into "{self.name}" values (:u, :n)'), {"u": user_id, "n": note}
            )

    def count(self, user_id):
        with self.database.read() as connection:
            query = sa.text(f'select count(*) from "{self.name}" where user_id = :u')
            return connection.scalar(query, {"u": user_id})

    def erase(self, user_id):
        self.before_erase()
        with self.database.write() as connection:
            connection.execute(sa.text(f'delete from "{self.name}" where user_id = :u'), {"u": user_id})  # fmt: skip
        self.after_erase()


class World:
    STEPS = ("queue", "documents", "traces")

    def __init__(self, path, rate=1000.0, fleet=None):
        self.clock = SystemClock(rate)
        self.directory = DataDirectory(path)
        self.database = open_at(self.directory.file("state.db"), ("state", "answers"))
        self.audit = Audit(self.database, self.clock)
        self.signer = Signer.of(self.directory)
        self.subjects = Subjects.of(self.database, self.clock, self.directory)
        self.notes = {name: Notes(self.database, name) for name in self.STEPS}
        self.jobs = DurableJobs(self.directory.file("jobs.db"), self.clock)
        self.erasures = Erasures(
            ErasureStore(self.database),
            tuple(self.notes.values()),
            self.jobs,
            ErasureEvidence(self.audit, self.signer, self.subjects, fleet=fleet),
            self.clock,
            (self.database,),
        )

    def close(self):
        self.jobs.close()
        self.database.close()
        self.directory.close()
