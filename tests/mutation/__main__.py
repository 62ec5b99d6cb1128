"""`make mutate`: prints the mutants that no test notices; exit code 1 when there are any, 3 when some were not tried."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from tests.mutation.campaign import DEFAULT_KINDS, Campaign, Options, Report, line_of, mutants_of
from tests.mutation.domains import DOMAINS

EQUIVALENT = Path(__file__).parent / "equivalent.tsv"
GATED = ("rules", "incidents", "audit", "gates")
"""The domains without survivors."""


def read_equivalent() -> dict[str, str]:
    """Return the reviewed reasons by key of mutant."""
    rows = [line.split("\t") for line in EQUIVALENT.read_text(encoding="utf-8").splitlines()[1:]]
    return {row[0]: row[3] for row in rows if len(row) == 4 and row[3].strip()}


def _parse(arguments: list[str]) -> tuple[Options, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", default=",".join(GATED), help=f"domains: {', '.join(DOMAINS)}")
    parser.add_argument("--minutes", type=float, default=25.0, help="budget, after the recording")
    parser.add_argument("--sample", type=int, default=0, help="try so many mutants, chosen by seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=12.0, help="of tests for each mutant")
    parser.add_argument("--kinds", default=",".join(DEFAULT_KINDS))
    parser.add_argument("--match", default="", help="only where FILE:SCOPE contains this text")
    parser.add_argument("--every-line", action="store_true", help="also what no marked test runs")
    parser.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    parser.add_argument("--list", action="store_true", help="print the mutants, try none")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    domains = [name for name in given.only.replace(",", " ").split() if name]
    unknown = set(domains) - set(DOMAINS)
    if unknown:
        parser.error(f"unknown domains {', '.join(sorted(unknown))}: use {', '.join(DOMAINS)}")
    options = Options(
        domains, tuple(given.kinds.split(",")), given.minutes, given.sample, given.seed,
        given.workers, given.seconds, given.every_line, given.fresh, given.match,
    )  # fmt: skip
    return options, given


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _print(report: Report, domains: list[str]) -> None:
    for result in sorted(report.survivors(), key=lambda r: (r.domain, r.file, r.line)):
        _say(line_of(result))
    for domain in domains:
        outcomes = Counter(r.outcome for r in report.results if r.domain == domain)
        _say(
            f"{domain}: {sum(outcomes.values())} tried, {outcomes['killed']} killed, "
            f"{outcomes['timeout']} timed out, {outcomes['error']} without a test, "
            f"survivors {outcomes['survived']}"
        )
    _say(
        f"not tried: {report.untried} beyond the budget, {report.unreached} that no test runs, "
        f"{report.unmarked} that no test of a feature runs"
    )


def main() -> None:
    """Run a campaign and print what survived."""
    options, given = _parse(sys.argv[1:])
    if given.list:
        for domain in options.domains:
            for mutant in mutants_of(domain, options):
                _say(
                    f"{mutant.file}:{mutant.line}: {mutant.kind}: {mutant.change} key {mutant.key}"
                )
        return
    report = Campaign(options, set(read_equivalent())).run()
    if given.json:
        results = [asdict(result) for result in report.results if result.outcome != "killed"]
        counts = Counter(f"{r.domain}.{r.outcome}" for r in report.results)
        rest = {
            "untried": report.untried,
            "unreached": report.unreached,
            "unmarked": report.unmarked,
        }
        _say(json.dumps({"counts": counts, **rest, "results": results}, indent=1))
    else:
        _print(report, options.domains)
    raise SystemExit(exit_code(report))


def exit_code(report: Report) -> int:
    """Return 1 when a mutant survived, 3 when the budget left some untried, else 0."""
    if report.survivors():
        return 1
    return 3 if report.untried else 0


if __name__ == "__main__":
    main()
