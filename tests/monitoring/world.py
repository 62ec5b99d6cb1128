"""A store and an engine with rules from a text, ten seconds between two ticks."""

from datetime import timedelta

from tests.monitoring.clocks import START
from tests.monitoring.samples import named
from trimtab.monitoring.engine import RuleEngine
from trimtab.monitoring.files import load_rules
from trimtab.monitoring.promql.evaluator import compile_expression
from trimtab.monitoring.scrape import milliseconds
from trimtab.monitoring.series import SeriesStore


class World:
    def __init__(self, path, text):
        file = path / "rules.yml"
        file.write_text(text)
        self.groups = load_rules([file])
        self.store = SeriesStore()
        self.engine = RuleEngine(self.groups, self.store)
        self.now = START

    def tick(self, *samples):
        self.now += timedelta(seconds=10)
        self.store.append("scrape", milliseconds(self.now), samples)
        return self.engine.tick(self.now)

    def value(self, expression):
        found = compile_expression(expression).evaluate(self.store, milliseconds(self.now))
        return {element.labels: element.value for element in found}


def heat(value, room="a"):
    return named("heat", room=room), value
