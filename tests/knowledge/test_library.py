"""The pages of this domain load, name what exists, and each cause's evidence holds for its own fault only."""

from pathlib import Path

import pytest
import yaml

from trimtab.infra.audit import Audit
from trimtab.infra.process_metrics import ProcessMetrics
from trimtab.infra.storage import SqliteDatabase
from trimtab.kernel.operable import Catalog, Signal
from trimtab.knowledge.actions import actions
from trimtab.knowledge.faults import faults
from trimtab.knowledge.signals import signals
from trimtab.monitoring.checks import compile_check
from trimtab.monitoring.proofs import check_proof
from trimtab.runbooks.lint import PageChecks, lint
from trimtab.runbooks.model import Runbook
from trimtab.runbooks.page import parse_page

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "library").glob("knowledge-*.md"))

OF_OTHERS = tuple(
    Signal(name, "1", "Of another domain.", list)
    for name in (
        "answers.feedback.slow_rate",
        "service.disk.busy_ratio",
        "service.disk.wait_seconds",
        "service.provider.reachable",
    )
)
"""A page may read signals of other domains; tests/runbooks lints all pages on the whole catalog."""


def _alerts():
    for file in (ROOT / "rules").glob("*.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from (rule["alert"] for rule in group["rules"] if "alert" in rule)


@pytest.fixture
def process_metrics(tmp_path, clock):
    database = SqliteDatabase(tmp_path / "state.db", ("state",))
    yield ProcessMetrics(Audit(database, clock), clock)
    database.close()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_loads_and_names_only_what_exists(path, knowledge, clock, process_metrics):
    page = parse_page(path.read_text(encoding="utf-8"), path.name)
    assert page.id == path.stem
    if isinstance(page, Runbook):
        catalog = Catalog(
            (*signals(knowledge), *process_metrics.signals(), *OF_OTHERS),
            actions(knowledge),
            faults(knowledge, clock),
        )
        lint(page, PageChecks(catalog, set(_alerts()), compile_check, check_proof))
