"""Compares, keeps and prints a load test's report; shared by the commands that make one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from trimtab.cli.runtime.console import print_line, printed_as_json
from trimtab.cli.runtime.session import Session

if TYPE_CHECKING:
    from trimtab.evaluation.offline.load import LoadReport


@dataclass(frozen=True, slots=True)
class Baselines:
    """Files of the baseline to compare with and of the one to write; None for neither."""

    read: Path | None
    write: Path | None


def finish_load(session: Session, report: "LoadReport", baselines: Baselines) -> None:
    """Compare with the baseline, print the report, and exit 1 when the load test failed."""
    from json import dumps

    if baselines.read is not None:
        report = report.against(baselines.read)
    if baselines.write is not None:
        baselines.write.parent.mkdir(parents=True, exist_ok=True)
        text = dumps(report.as_dict(), indent=1) + "\n"
        baselines.write.write_text(text, encoding="utf-8")
    if not printed_as_json(session, report.as_dict()):
        for name, value in report.as_dict().items():
            print_line(f"{name}: {'-' if value is None else value}")
    if not report.passed:
        raise typer.Exit(1)
