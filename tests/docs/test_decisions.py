import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
STATUS = re.compile(
    r"\*\*Status\.\*\* (?:Accepted|Superseded by `[\w-]+`), \d{4}-\d\d-\d\d\. \*\*Affects\*\* (?P<modules>.+)\."
)


def test_there_are_decision_records():
    assert len(RECORDS) > 20


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_states_its_status_its_date_and_modules_that_exist(record):
    found = STATUS.search(record.read_text(encoding="utf-8"))
    assert found
    modules = re.findall(r"`(trimtab[\w.]*)`", found["modules"])
    assert modules
    for module in modules:
        path = ROOT / "src" / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists()
