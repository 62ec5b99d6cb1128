"""What an incident's post-mortem says that users met."""

from trimtab.answers.metrics import KINDS
from trimtab.app.operator_ports import QuestionsImpact
from trimtab.kernel.operable import Sample


class Counters:
    """Answers what the counters have grown by, and keeps what it was asked."""

    def __init__(self, **grown):
        self.grown = grown
        self.asked = []

    def evaluate(self, expression):
        self.asked.append(expression)
        name = expression.removeprefix("sum(increase(").split("[")[0]
        return [Sample(self.grown[name])] if name in self.grown else []


def test_questions_that_were_asked_failed_and_degraded_are_counted():
    counters = Counters(answers_given_total=7.2, answers_failed_total=2.0)
    said = QuestionsImpact(counters, 7200)(100)
    assert said == "9 questions were asked, 2 of them failed and 0 were answered in degraded mode"
    assert all("[160s]" in expression for expression in counters.asked)


def test_without_samples_or_over_a_longer_time_than_they_reach_nothing_is_said():
    assert QuestionsImpact(Counters(), 7200)(100) == ""
    assert QuestionsImpact(Counters(answers_given_total=1.0), 7200)(7200)
    assert QuestionsImpact(Counters(answers_given_total=1.0), 7200)(7201) == ""


def test_the_counters_that_are_asked_for_exist():
    assert {"given", "degraded"} <= set(KINDS)
