"""The gates as part of the service: signals tell faults apart, actions mend them, each page's drill holds."""

import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from prometheus_client import CollectorRegistry

from trimtab.gates.actions import actions
from trimtab.gates.alerts import ALERTS
from trimtab.gates.codes import CODES
from trimtab.gates.errors import NoGoodCopy
from trimtab.gates.faults import faults
from trimtab.gates.monitor import GROUPS, GateMonitor
from trimtab.gates.policy import GatePolicy
from trimtab.gates.selftest.run import ALL
from trimtab.gates.selftest.sample_project import StepClock
from trimtab.gates.signals import signals
from trimtab.infra.telemetry import SignalCollector
from trimtab.kernel.operable import ActionContext, Catalog, Risk, check_arguments
from trimtab.monitoring.checks import check, compile_check
from trimtab.monitoring.proofs import check_proof
from trimtab.monitoring.scrape import Scrape
from trimtab.monitoring.series import SeriesStore
from trimtab.runbooks.lint import PageChecks, lint
from trimtab.runbooks.model import Runbook
from trimtab.runbooks.page import parse_page

ROOT = Path(__file__).parents[2]
PARSED = [
    parse_page(path.read_text(encoding="utf-8"), path.name)
    for path in sorted((ROOT / "library").glob("gates-*.md"))
]
PAGES = [page for page in PARSED if isinstance(page, Runbook)]
CAUSES = [cause for page in PAGES for cause in page.causes]
RULES = yaml.safe_load((ROOT / "rules" / "gates.yml").read_text(encoding="utf-8"))["groups"][0][
    "rules"
]
ME = ActionContext("key", "test")


@pytest.fixture(scope="session")
def built_room(tmp_path_factory):
    folder = tmp_path_factory.mktemp("room")
    GateMonitor(folder, StepClock()).refresh()
    return folder


@pytest.fixture
def room(built_room, tmp_path):
    folder = tmp_path / "room"
    shutil.copytree(built_room, folder, symlinks=True)
    room = GateMonitor(folder, StepClock())
    room.refresh()
    return room


@pytest.fixture
def catalog(room):
    return Catalog(signals(room), actions(room), faults(room))


@pytest.fixture
def holds(room, catalog):
    """Says whether every check holds now, as the rule evaluator reads the signals."""
    registry = CollectorRegistry()
    registry.register(SignalCollector(catalog.signals.values()))

    def ask(checks):
        store = SeriesStore(600)
        now = room.clock.now()
        Scrape(registry, store).take(now)
        return all(check(compile_check(one.expression), store, now).holds for one in checks)

    return ask


def _inject(catalog, drill):
    (command,) = drill
    fault = catalog.fault(command.name)
    return fault, fault.inject(check_arguments(fault.params, command.arguments))


def _act(catalog, name, arguments):
    action = catalog.action(name)
    return action, action.run(check_arguments(action.params, arguments), ME)


def _tried_dry(catalog, name, arguments):
    action = catalog.action(name)
    return action.dry_run(check_arguments(action.params, arguments), ME)


def test_the_specimen_passes(room):
    assert (room.verdict.outcome, room.findings()) == ("pass", ())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_the_page_loads_and_names_only_what_exists(page, catalog):
    lint(page, PageChecks(catalog, {rule["alert"] for rule in RULES}, compile_check, check_proof))


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_each_causes_evidence_holds_under_its_fault_and_its_fix_mends_it(
    cause, catalog, holds, room
):
    assert not holds(cause.evidence)
    _inject(catalog, cause.drill)
    # A fault judges nothing itself: the watching finds it.
    room.refresh()
    assert holds(cause.evidence)
    # As the operator does: what would change nothing is not run.
    for step in cause.fix:
        if _tried_dry(catalog, step.name, step.arguments).changes:
            _act(catalog, step.name, step.arguments)
    if cause.fix:  # Without a fix the page hands over to a person.
        assert holds(cause.verify)
        assert room.verdict.outcome == "pass"


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_each_fault_fires_its_own_pages_alert_only_and_can_be_put_back(cause, catalog, holds, room):
    page = next(page for page in PAGES if cause in page.causes)
    fault, saved = _inject(catalog, cause.drill)
    room.refresh()
    fired = {rule["alert"] for rule in RULES if holds([_Check(rule["expr"])])}
    # A report of a worse model also disagrees with the logs of the better one.
    beside = {"GatesBenchmarkFailed"} if page.id == "gates-drift-issues" else set()
    assert set(page.alerts) <= fired <= set(page.alerts) | beside
    fault.restore(saved)
    fault.restore(saved)
    assert room.verdict.outcome == "pass"


class _Check:
    def __init__(self, expression):
        self.expression = expression


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_each_fix_that_can_be_undone_is_undone(cause, catalog, holds, room):
    _inject(catalog, cause.drill)
    room.refresh()
    for step in cause.fix:
        action, result = _act(catalog, step.name, step.arguments)
        if action.undo is not None:
            action.undo(result.undo_arguments, ME)
            assert holds(cause.evidence)


def test_whatever_changes_evidence_asks_a_person_first(catalog):
    free = {a.name for a in catalog.actions.values() if a.risk is not Risk.APPROVAL}
    assert free == {"gates.run", "gates.permissions.fix", "gates.keys.protect"}


def test_a_dry_run_changes_nothing(catalog, room):
    before = {path: path.read_bytes() for path in room.project.root.rglob("*") if path.is_file()}
    given = {
        "gates.evidence.restore": {"group": "report"},
        "gates.manifest.regenerate": {"dataset": "golden"},
    }
    for name, action in catalog.actions.items():
        if name != "gates.reset":
            action.dry_run(check_arguments(action.params, given.get(name, {})), ME)
    assert {
        path: path.read_bytes() for path in room.project.root.rglob("*") if path.is_file()
    } == before


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        *(
            ("gates.evidence.restore", {"group": group}, f"0 files of {group} would be replaced")
            for group in GROUPS
        ),
        ("gates.manifest.regenerate", {"dataset": "golden"}, "fits its 2 files already"),
        ("gates.sbom.regenerate", {}, "components that there are"),
        ("gates.artifacts.sign", {}, "artifacts are signed as they are"),
        ("gates.report.migrate", {}, "in the current schema version already"),
        ("gates.permissions.fix", {}, "permissions of 0 files"),
        ("gates.keys.protect", {}, "0 private keys"),
    ],
)
def test_a_dry_run_on_a_sound_project_says_that_nothing_would_change(catalog, name, given, text):
    said = _tried_dry(catalog, name, given)
    assert not said.changes
    assert text in said.summary


def test_a_dry_run_counts_the_files_that_would_be_replaced(catalog, room):
    root = room.project.root
    (root / "benchmark_report.json").write_text("{}")
    (root / "reproducibility.json").unlink()
    said = _tried_dry(catalog, "gates.evidence.restore", {"group": "report"})
    assert said.changes
    assert said.summary == "2 files of report would be replaced by their last good copy."


def test_a_dry_run_counts_the_artifacts_that_differ_from_what_is_signed(catalog, room):
    room.project.sbom.write_bytes(room.project.sbom.read_bytes() + b"\n")
    said = _tried_dry(catalog, "gates.artifacts.sign", {})
    assert said.changes
    assert "2 differ from what is signed" in said.summary


def test_a_time_limit_that_is_set_is_not_set_again(catalog):
    first = _tried_dry(catalog, "gates.timeout.raise", {"seconds": 900.0})
    _act(catalog, "gates.timeout.raise", {"seconds": 900.0})
    again = _tried_dry(catalog, "gates.timeout.raise", {"seconds": 900.0})
    assert (first.changes, again.changes) == (True, False)


def test_every_type_of_failure_has_its_alert_in_the_rule_file():
    assert {rule["alert"] for rule in RULES} == set(ALERTS.values())


def test_before_the_first_verdict_signals_have_no_samples(tmp_path):
    room = GateMonitor(tmp_path, StepClock())
    assert [sample for signal in signals(room) for sample in signal.read()] == []


def test_keys_are_never_copied(room):
    room.refresh()
    copies = [
        path
        for folder in ("good", "saved")
        for path in (room.project.root.parent / folder).rglob("*.key")
    ]
    assert copies == []


def test_what_was_never_good_cannot_be_brought_back(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    with pytest.raises(NoGoodCopy):
        GateMonitor(tmp_path / "room", StepClock(), project).restore("report")


def test_the_manual_names_every_code_signal_action_fault_and_policy_key(catalog):
    manual = "\n".join(
        path.read_text(encoding="utf-8")
        for path in [ROOT / "docs" / "gates.md", *(ROOT / "docs" / "gates").glob("*.md")]
    )
    hints = get_type_hints(GatePolicy)
    keys = [
        f"{s}.{f.name}" for s, kind in hints.items() if is_dataclass(kind) for f in fields(kind)
    ]
    names = [*CODES, *catalog.signals, *catalog.actions, *catalog.faults, *keys]
    assert [name for name in names if f"`{name}`" not in manual] == []


def test_the_manual_states_how_many_corruptions_there_are():
    assert f"in {len(ALL)} known ways" in (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
