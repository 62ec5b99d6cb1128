"""The adapter on one server, and what tests ask of it."""

from trimtab.infra.settings.sections.postgresql import PostgresqlSettings
from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.postgresql.backups import PostgresBackups
from trimtab.postgresql.faults import faults
from trimtab.postgresql.module import actions
from trimtab.postgresql.server import WatchedServer
from trimtab.postgresql.signals import signals, upkeep_signal
from trimtab.postgresql.state import WatchedState
from trimtab.postgresql.upkeep import Upkeep
from trimtab.testing.clock import FakeClock


class World:
    def __init__(self, cluster, clock=None, **changed):
        url = changed.pop("url", cluster.url)
        folder = changed.pop("folder", cluster.folder / "backups")
        given = {"control": cluster.control, "connect_seconds": 1, **changed}
        self.cluster = cluster
        self.clock = clock or FakeClock()
        self.server = WatchedServer(PostgresqlSettings(**given), url, self.clock)
        self.state = WatchedState(self.server, self.clock)
        self.backups = PostgresBackups(self.server, folder)
        self.upkeep = Upkeep(self.server, self.clock)
        self.catalog = Catalog(
            (*signals(self.state), upkeep_signal(self.upkeep)),
            (*actions(self.backups, self.clock), self.upkeep.action()),
            faults(self.server),
        )

    def run(self, action, /, **given):
        found = self.catalog.action(action)
        return found.run(check_arguments(found.params, given), ActionContext("key", "test"))

    def dry_run(self, action, /, **given):
        found = self.catalog.action(action)
        return found.dry_run(check_arguments(found.params, given), ActionContext("dry", "test"))

    def undo(self, action, done):
        return self.catalog.action(action).undo(done.undo_arguments, ActionContext("key", "test"))

    def read(self, signal, **labels):
        """Return the value of a signal after a new look at the server; None when there is none."""
        self.state.refresh()
        return self.last(signal, **labels)

    def last(self, signal, **labels):
        found = [
            sample.value
            for sample in self.catalog.signal(signal).read()
            if labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    def close(self):
        self.server.close()
