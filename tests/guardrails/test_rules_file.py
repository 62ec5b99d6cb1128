"""The file is read again when it changes, and a bypass in it ends by itself."""

import os
from datetime import timedelta

import pytest

from trimtab.guardrails.bypass import Bypass
from trimtab.guardrails.guard import Subject
from trimtab.guardrails.pii import Finder
from trimtab.guardrails.pii.guard import PiiGuard
from trimtab.guardrails.rules import LiveRules
from trimtab.guardrails.rules_file import BYPASS_ACTOR, RulesFile
from trimtab.guardrails.verdicts import Decision
from trimtab.testing.clock import FakeClock


class Ledger:
    def __init__(self):
        self.actions = []

    def append(self, actor, action, subject, facts=None):
        self.actions.append((actor, action.removeprefix("guardrails.bypass_")))


class World:
    def __init__(self, folder):
        self.file, self.clock, self.ledger = folder / "rules.yml", FakeClock(), Ledger()
        self.rules = LiveRules()
        self.start()

    def start(self):
        self.bypass = Bypass(self.clock, self.ledger)
        self.watched = RulesFile(self.file, self.rules, self.bypass, self.clock)

    def write(self, text, ago=timedelta()):
        self.file.write_text(text, encoding="utf-8")
        at = (self.clock.now() - ago).timestamp()
        os.utime(self.file, (at, at))
        return self.watched.look()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.mark.feature("F242")
def test_rules_in_a_config_map_are_taken_over_without_a_restart(world):
    assert world.write('data:\n  hallucination_threshold: "0.2"\n  ethics_check_enabled: "false"\n')
    assert world.rules.current.hallucination_threshold == 0.2
    assert not world.rules.current.ethics_check_enabled


def test_a_file_that_did_not_change_is_not_applied_again(world):
    world.write("hallucination_threshold: 0.2")
    world.rules.change({"hallucination_threshold": "0.3"})
    assert not world.watched.look()
    assert world.rules.current.hallucination_threshold == 0.3


@pytest.mark.parametrize(
    "text",
    [
        "hallucination_threshold: 0.2\nno_such_rule: 1",
        "hallucination_threshold: 0.2\nbypass_mode: perhaps",
        "hallucination_threshold: 0.2\nbypass_mode: true\nbypass_duration: 9h",
        "- a list",
        "a: [",
    ],
)
def test_a_file_that_does_not_fit_changes_nothing_and_is_logged_once(world, text, caplog):
    before = world.rules.current
    assert not world.write(text)
    world.watched.look()
    assert world.rules.current == before
    assert world.bypass.active() is None
    assert [record.message for record in caplog.records] == ["guard_rules_refused"]


def test_a_missing_file_changes_nothing(world):
    assert not world.watched.look()


@pytest.mark.feature("F244", "F245")
def test_bypass_mode_starts_a_bypass_that_ends_by_itself_though_the_file_still_says_true(world):
    world.write('bypass_mode: "true"\nbypass_duration: 30m\n')
    assert world.bypass.active().actor == BYPASS_ACTOR
    world.clock.advance(1801)
    world.watched.look()
    assert world.bypass.active() is None
    assert world.ledger.actions == [(BYPASS_ACTOR, "started"), (BYPASS_ACTOR, "ended")]


def test_bypass_mode_false_ends_it(world):
    world.write("bypass_mode: true")
    world.write("bypass_mode: false")
    assert world.bypass.active() is None


def test_a_restart_does_not_make_the_bypass_longer(world):
    world.write("bypass_mode: true\nbypass_duration: 30m", ago=timedelta(minutes=20))
    world.start()
    world.watched.look()
    assert world.bypass.active().ends_at == world.clock.now() + timedelta(minutes=10)


def test_a_file_that_is_older_than_its_bypass_starts_none(world):
    world.write("bypass_mode: true\nbypass_duration: 30m", ago=timedelta(minutes=31))
    assert world.bypass.active() is None
    assert world.ledger.actions == []


class Mounted(World):
    """Config maps as the kubelet mounts them: each key is a link into a folder that is swapped as a whole."""

    def __init__(self, folder):
        super().__init__(folder)
        self.file.mkdir()

    def mount(self, name, /, ago=timedelta(), **data):
        folder = self.file / name
        folder.mkdir(exist_ok=True)
        written = folder / f"..{len(list(folder.iterdir()))}"
        written.mkdir()
        at = (self.clock.now() - ago).timestamp()
        for key, value in data.items():
            (written / key).write_text(value, encoding="utf-8")
            os.utime(written / key, (at, at))
        (folder / "..new").symlink_to(written.name)
        (folder / "..new").replace(folder / "..data")
        for key in data:
            if not (folder / key).is_symlink():
                (folder / key).symlink_to(f"..data/{key}")
        return self.watched.look()


@pytest.mark.feature("F242")
def test_mounted_config_maps_are_taken_over_when_one_is_patched(tmp_path):
    world = Mounted(tmp_path)
    assert world.mount("guardrail-rules", hallucination_threshold="0.2", fact_check_timeout="5s\n")
    assert world.rules.current.hallucination_threshold == 0.2
    assert not world.watched.look()
    world.mount("guardrail-config", bypass_mode="false", bypass_duration="30m")
    world.clock.advance(60)
    assert world.mount("guardrail-rules", hallucination_threshold="0.3", fact_check_timeout="5s")
    assert world.rules.current.hallucination_threshold == 0.3
    assert world.mount("guardrail-config", bypass_mode="true", bypass_duration="30m")
    assert world.bypass.active().ends_at == world.clock.now() + timedelta(minutes=30)


def test_a_new_pod_does_not_begin_a_bypass_again_that_its_config_map_still_asks_for(tmp_path):
    world = Mounted(tmp_path)
    world.mount("guardrail-config", bypass_mode="true", bypass_duration="30m")
    assert world.bypass.active() is None
    world.clock.advance(60)
    assert world.mount("guardrail-rules", hallucination_threshold="0.3")
    assert world.rules.current.hallucination_threshold == 0.3
    assert world.bypass.active() is None
    world.mount("guardrail-config", bypass_mode="true", bypass_duration="20m")
    assert world.bypass.active().ends_at == world.clock.now() + timedelta(minutes=20)


BADGE = r"""
pii_patterns:
  - name: BADGE
    regex: '\bB-\d{6}\b'
    must_match: ["badge B-123456", "B-000001."]
    must_not_match: ["AB-123456", "B-12345"]
"""


def found(world, text):
    return [(str(f.type), text[f.start : f.end]) for f in Finder(None, world.rules).find(text)]


@pytest.mark.feature("F479")
def test_a_pattern_of_the_operator_finds_and_redacts_without_a_restart(world):
    assert found(world, "é B-123456 left") == []
    assert world.write(BADGE)
    assert found(world, "é B-123456 left") == [("BADGE", "B-123456")]
    assert Finder(None, world.rules).redact("é B-123456 left") == "é <BADGE> left"
    assert world.write("hallucination_threshold: 0.2")
    assert found(world, "é B-123456 left") == []


@pytest.mark.feature("F479")
def test_a_pattern_blocks_where_its_name_is_a_blocking_kind(world):
    world.write(BADGE)
    guard, subject = PiiGuard(Finder(None, world.rules)), Subject("It was B-123456.")
    assert guard.check(subject, world.rules.current).decision is Decision.WARN
    world.write(BADGE + "pii_block_types: BADGE,US_SSN")
    assert guard.check(subject, world.rules.current).decision is Decision.BLOCK


def test_patterns_in_a_config_map_are_text(world):
    indented = BADGE.replace("pii_patterns:", "").replace("\n", "\n    ")
    assert world.write(f"data:\n  pii_patterns: |{indented}\n")
    assert found(world, "B-123456") == [("BADGE", "B-123456")]


@pytest.mark.feature("F479")
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("B-000001.", "B-00000", "does not match must_match example 2"),
        ('B-12345"', 'B-123457"', "matches must_not_match example 2"),
        ("B-\\d{6}", "(B-\\d{6}", "not valid in RE2"),
        ("\\bB-\\d{6}\\b", "(?=B)B", "not valid in RE2"),
        ("\\bB-\\d{6}\\b", "x*", "does not match must_match example 1"),
        ("    must_not_match", "    but_not", "'but_not' is not one of its keys"),
        ("name: BADGE", "name: badge", "its name needs"),
        ('["AB-123456", "B-12345"]', "[]", "needs examples"),
    ],
)
def test_a_pattern_whose_examples_do_not_hold_is_refused_and_the_former_ones_stay(
    world, old, new, reason, caplog
):
    world.write(BADGE)
    assert old in BADGE
    assert not world.write("hallucination_threshold: 0.3" + BADGE.replace(old, new))
    assert found(world, "B-123456") == [("BADGE", "B-123456")]
    assert world.rules.current.hallucination_threshold != 0.3
    [record] = [r for r in caplog.records if r.message == "guard_rules_refused"]
    assert "BADGE" in record.reason.upper()
    assert reason in record.reason


def test_patterns_run_in_linear_time(world):
    world.write(BADGE.replace("\\bB-\\d{6}\\b", "B-\\d{6}\\b|(a+)+$").replace("AB-123456", "zz"))
    assert found(world, "a" * 20_000 + "!") == []


def test_a_change_of_one_rule_keeps_the_patterns(world):
    world.write(BADGE)
    former = world.rules.change({"hallucination_threshold": "0.3"})
    assert found(world, "B-123456") == [("BADGE", "B-123456")]
    world.rules.restore(former)
    assert found(world, "B-123456") == [("BADGE", "B-123456")]
