"""`make journeys`: the number of functions and files that four journeys touch, against the targets.

A journey runs on the real app: a new question on a warm process, the upload of a text, an alert until its incident is
resolved, a report through all gates. Only functions of trimtab count, each once; comprehensions do not. ``--functions``
lists them by file, ``--only NAME`` takes one journey.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from tests.incidents.operator import make_operator
from tests.incidents.world import TAP
from tests.journeys.recorder import SOURCE, Journey, install, record
from trimtab.app import App, build
from trimtab.gates.run import Request, run
from trimtab.gates.selftest.sample_project import build_sample_project
from trimtab.infra.settings import load

TARGETS = {
    "question": {"functions": 150, "files": 45, "frames": 12, "threads": 0},
    "upload": {"functions": 80, "files": 25},
}
"""The most that a journey may have; a journey that is not named has no limit."""
_TEXTS = {
    "cache.md": "# Cache\n\nThe query cache holds 100 entries by default. It is cleared at night.\n",
    "rule.md": "# Eviction\n\nDr. Grace Hopper designed the eviction rule in 1987.\n",
}
_WARM = tuple(f"{question} {number}" for number in range(8) for question in (
    "How many entries does the query cache hold?", "When is the query cache cleared?"
))  # fmt: skip
"""Enough for every pool to have its threads."""
_QUESTION = "Who designed the eviction rule?"


Post = Callable[[str, dict[str, object]], Awaitable[None]]


def _on_service(folder: Path, steps: Callable[[Post], Awaitable[None]]) -> None:
    """Run the steps against a started service, as the command line does: through the control socket's app."""
    flags = {"service.data_dir": str(folder / "data"), "service.rate_limit_per_minute": "0"}
    app = build(load(flags=flags, environment={}))
    try:
        app.knowledge.start()
        asyncio.run(_with_client(app, steps))
    finally:
        app.close()


async def _with_client(app: App, steps: Callable[[Post], Awaitable[None]]) -> None:
    transport = httpx.ASGITransport(app.http_apps.control)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

        async def post(path: str, body: dict[str, object]) -> None:
            response = await client.post(path, json=body)
            if not response.is_success:
                raise SystemExit(f"{path} answered {response.status_code}: {response.text}")

        await steps(post)


def _upload(name: str) -> dict[str, object]:
    return {"project": "p", "name": name, "text": _TEXTS[name]}


def _ask(text: str) -> dict[str, object]:
    return {"project": "p", "question": text}


def question(folder: Path, journey: Journey) -> None:
    """Ask a question that was not asked before, after others."""
    journey.first, journey.last = "answer", "ranking/hybrid.py:rank"

    async def steps(post: Post) -> None:
        for name in _TEXTS:
            await post("/api/v1/ingest", _upload(name))
        for text in _WARM:
            await post("/v1/answers", _ask(text))
        with record(journey):
            await post("/v1/answers", _ask(_QUESTION))

    _on_service(folder, steps)


def repeat(folder: Path, journey: Journey) -> None:
    """Ask a question again."""

    async def steps(post: Post) -> None:
        for name in _TEXTS:
            await post("/api/v1/ingest", _upload(name))
        for _ in range(2):
            await post("/v1/answers", _ask(_QUESTION))
        with record(journey):
            await post("/v1/answers", _ask(_QUESTION))

    _on_service(folder, steps)


def upload(folder: Path, journey: Journey) -> None:
    """Upload a text, after another."""

    async def steps(post: Post) -> None:
        await post("/api/v1/ingest", _upload("cache.md"))
        with record(journey):
            await post("/api/v1/ingest", _upload("rule.md"))

    _on_service(folder, steps)


def alert(folder: Path, journey: Journey) -> None:
    """Let an alert fire whose proven fix runs by itself, until its incident is resolved."""
    operator = make_operator(folder)
    operator.prove(TAP)
    operator.world.put(tap=1, level=1)
    with record(journey):
        incident = operator.fire()
        operator.jobs.run()
    state = operator.incidents.get(incident.id).state
    if state != "resolved":
        raise SystemExit(f"The incident is {state}, not resolved.")


def report(folder: Path, journey: Journey) -> None:
    """Judge the report of a sample project by every gate."""
    world = build_sample_project(folder / "project")
    request = Request(world.root, world.report_path, keyring=world.project.keys)
    with record(journey):
        verdict = run(request, world.clock)
    if verdict.outcome != "pass":
        raise SystemExit("The report of the sample project does not pass its gates.")


JOURNEYS = (question, repeat, upload, alert, report)


def missed(journey: Journey) -> list[str]:
    """Return which targets the journey misses."""
    counts = _counts(journey)
    return [
        f"{name} {counts[name]} > {limit}"
        for name, limit in TARGETS.get(journey.name, {}).items()
        if counts[name] > limit
    ]


def _counts(journey: Journey) -> dict[str, int]:
    return {
        "functions": len(journey.functions),
        "files": len(journey.files),
        "frames": len(journey.frames),
        "threads": journey.threads,
    }


def main() -> int:
    """Run the journeys; return 1 when one misses a target."""
    parser = argparse.ArgumentParser(prog="python -m tests.journeys", description=__doc__)
    parser.add_argument("--functions", action="store_true", help="list the functions by file")
    parser.add_argument("--only", choices=[run.__name__ for run in JOURNEYS])
    given = parser.parse_args()
    install()
    failed = False
    print(f"{'journey':10} {'functions':>9} {'files':>6} {'frames':>7} {'threads':>8}  targets")
    for run_journey in JOURNEYS:
        if given.only not in (None, run_journey.__name__):
            continue
        journey = Journey(run_journey.__name__)
        with tempfile.TemporaryDirectory() as folder:
            run_journey(Path(folder), journey)
        counts, problems = _counts(journey), missed(journey)
        failed = failed or bool(problems)
        verdict = "; ".join(problems) or ("met" if journey.name in TARGETS else "-")
        print(
            f"{journey.name:10} {counts['functions']:9} {counts['files']:6} {counts['frames']:7} "
            f"{counts['threads']:8}  {verdict}"
        )
        if given.functions:
            _list(journey)
    return int(failed)


def _list(journey: Journey) -> None:
    for name in journey.frames:
        print(f"    frame {name}")
    found = [(c.co_filename.removeprefix(SOURCE), c.co_qualname) for c in journey.functions]
    for file, count in sorted(Counter(file for file, _ in found).items()):
        names = sorted(name for owner, name in found if owner == file)
        print(f"    {count:3} {file}: {', '.join(names)}")


if __name__ == "__main__":
    sys.exit(main())
