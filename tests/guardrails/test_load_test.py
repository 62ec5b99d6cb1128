"""The guards' load test counts verdicts that failed, by stage, and reads no verdict from a cache."""

from contextlib import closing

from trimtab.guardrails.guard import GuardConfig
from trimtab.guardrails.load_test import GuardLoad, unstored_guardrails
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.testing.clock import FakeClock


class Broken:
    name = "broken"

    def check(self, subject, rules):
        raise RuntimeError("broken")


def test_failed_verdicts_are_counted_for_their_stage_only():
    with closing(unstored_guardrails(GuardrailsSettings(), FakeClock())) as guardrails:
        guardrails.passages.replace([GuardConfig(Broken())])
        load = GuardLoad(guardrails)
        for _ in range(3):
            load.check("How large is it?")
        assert load.failures() == {"passages": 3}


def test_a_repeated_text_is_judged_again():
    with closing(unstored_guardrails(GuardrailsSettings(), FakeClock())) as guardrails:
        load = GuardLoad(guardrails)
        for _ in range(3):
            load.check("How large is it?")
        assert [e.get_metrics().cache_hits for e in guardrails.engines.values()] == [0, 0, 0]
        assert load.failures() == {}
