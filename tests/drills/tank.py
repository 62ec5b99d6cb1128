"""The operator's tank as the subject of drills, in fake time."""

from dataclasses import dataclass

from tests.incidents.operator import alert


@dataclass
class Tank:
    """The tank's one rule fires when its level is low."""

    operator: object

    def __post_init__(self):
        self.library = self.operator.context.library
        self.catalog = self.operator.context.catalog
        self.incidents = self.operator.incidents
        self.monitor = self.operator.world
        self.proofs = self.operator.context.proofs
        self.clock = self.operator.clock

    def wait(self, seconds):
        fired = alert(self.clock.now())
        if self.monitor.firing(fired.fingerprint):
            self.incidents.alert_fired(fired)
        else:
            self.incidents.alert_resolved(fired.fingerprint, self.clock.now())
        before = self.clock.monotonic()
        self.operator.jobs.run(until=lambda: self.clock.monotonic() - before >= seconds)
        if self.clock.monotonic() == before:
            self.clock.advance(seconds)
