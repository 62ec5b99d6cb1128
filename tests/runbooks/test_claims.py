"""Pages and the list of gaps name only commands, paths, settings and metrics that exist, and sources of the contract."""

import re
from pathlib import Path

import pytest
import typer.main

from tests.docs.test_manual import _all_errors
from trimtab.api.edge import HttpFigures
from trimtab.cli.main import app as command_line
from trimtab.gates.codes import CODES
from trimtab.infra.settings import Settings, rows
from trimtab.monitoring.signals import metric_names
from trimtab.runbooks.claims import KnownNames, check_claims

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "library").glob("*.md"))
GAPS = ROOT / "docs" / "contract-gaps.md"
SCENARIOS = {
    f"{system}-{number:02}"
    for system, count in {"MISO": 17, "HYB": 17, "AOPS": 20, "ENT": 25, "KB": 18}.items()
    for number in range(1, count + 1)
} | {
    f"{system}-REF{number:02}"
    for system, count in {"MISO": 8, "HYB": 4, "AOPS": 5, "ENT": 7, "KB": 8}.items()
    for number in range(1, count + 1)
}
# What the program writes into the data directory, or a person hands to it.
WRITTEN = {
    "heap_dump.txt",
    "memory_profile.txt",
    "trimtab.toml",
    "drift.md",
    "gates.yaml",
    "benchmark_report.json",
    "reproducibility.json",
    "provenance.dsse.json",
    "sbom.cdx.json",
    "approval.dsse.json",
    "change.json",
    "rules.yaml",
    "manifest.sha256",
}
# Names in dots that are no entry of a catalog: events, components, the log's and the health's fields.
OTHER_NAMES = {
    "service.started",
    "service.stopped",
    "components.embedding_model",
    "components.chromadb",
}
OTHER_VARIABLES = {"MEMORY_PROFILE"}
"""A word of the log."""
POLICY = (ROOT / "docs" / "gates" / "policy.md").read_text(encoding="utf-8")


def _commands(command, path=""):
    """Yield every command with its options."""
    options = {o for param in command.params for o in (*param.opts, *param.secondary_opts)}
    yield path, frozenset({*options, "--help"})
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands(found, f"{path} {name}".strip())


def _routes(asgi, prefix=""):
    for route in getattr(asgi, "routes", ()):
        path = prefix + getattr(route, "path", "")
        yield path
        yield from _routes(getattr(route, "app", None), path)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    from trimtab.app import build
    from trimtab.infra.settings import load

    folder = tmp_path_factory.mktemp("claims") / "data"
    app = build(load(flags={"service.data_dir": str(folder)}, environment={}))
    try:
        return _known(app)
    finally:
        app.close()


def _known(app):
    settings = list(rows(Settings))
    catalog = app.catalog
    metrics = metric_names(app.registry, catalog.signals.values()) | set(HttpFigures.NAMES)
    metrics |= {f"{name}{end}" for name in metrics for end in ("_bucket", "_sum", "_count")}
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    apps = (app.faces.api, app.faces.console, app.faces.faults)
    routes = {path for one in apps for path in _routes(one) if path.startswith("/")}
    return KnownNames(
        commands=dict(_commands(typer.main.get_command(command_line))),
        names=frozenset(
            {*catalog.signals, *catalog.actions, *catalog.faults, *_all_errors(), *OTHER_NAMES}
            | set(CODES)
            | {row.name for row in settings}
            | set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", POLICY))
        ),
        metrics=frozenset(metrics),
        metric_prefixes=("kb_", "knowledge_", "answers_", "gates_", "guardrail_", "http_"),
        variables=frozenset({v for row in settings for v in row.env} | OTHER_VARIABLES),
        routes=tuple(routes),
        targets=frozenset(re.findall(r"^([a-z][a-z-]*):", make, re.MULTILINE)),
        has_file=_has_file,
    )


def _has_file(path):
    path = path.removeprefix("/").removeprefix("./")
    folders = (ROOT, ROOT / "docs", ROOT / "library", ROOT / "src" / "trimtab")
    places = [folder / path for folder in folders]
    return Path(path).name in WRITTEN or any(place.exists() for place in places)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_sends_nobody_to_what_does_not_exist(page, known):
    wrong = check_claims(page.read_text(encoding="utf-8"), known)
    assert [f"{page.name}, {claim}" for claim in wrong] == []


def test_what_serves_instead_of_a_gap_exists(known):
    wrong = []
    for number, line in enumerate(GAPS.read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| F") and len(cells) >= 4:
            wrong += [
                f"{GAPS.name}:{number}: {claim}"
                for claim in check_claims(cells[-1], known, absent=False)
            ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_source_of_the_page_stands_in_the_contract(page):
    from tests.contract.report import load_features

    head = page.read_text(encoding="utf-8").split("---\n")[1]
    source = re.search(r"^source: (.*)$", head, re.MULTILINE)
    assert source, f"{page.name} names no source"
    text = re.sub(r"F(\d+)-F(\d+)", _spelled_out, source[1])
    assert set(re.findall(r"(?:MISO|HYB|AOPS|ENT|KB)-\w+", text)) <= SCENARIOS
    assert set(re.findall(r"\bF\d+\b", text)) <= set(load_features())


def _spelled_out(match):
    return " ".join(f"F{number:03}" for number in range(int(match[1]), int(match[2]) + 1))


@pytest.mark.parametrize(
    ("page", "scenarios"),
    [("latency-spike", {"AOPS-05", "AOPS-08"}), ("rollback", {"AOPS-REF05"})],
)
def test_a_page_names_the_scenarios_that_it_was_written_from(page, scenarios):
    head = (ROOT / "library" / f"{page}.md").read_text(encoding="utf-8").split("---\n")[1]
    assert scenarios <= set(re.findall(r"AOPS-\w+", head))


@pytest.mark.parametrize(
    ("prose", "problem"),
    [
        ("Run `trimtab gates nonsense`.", "has no command 'nonsense'"),
        ("Run `trimtab nonsense`.", "has no command 'nonsense'"),
        ("Run `trimtab drills run --fast`.", "has no option --fast"),
        ("Run `trimtab act knowledge.cache.nonsense`.", "there is no knowledge.cache.nonsense"),
        ("See `knowledge.nonsense.setting`.", "no signal, action, setting or code"),
        ("See `kb_nonsense_ratio`.", "there is no such metric"),
        ("Set `EMBEDDING_NONSENSE=1`.", "no setting has this variable"),
        ("Ask `GET /v1/nonsense`.", "there is no such path"),
        ("Open `deployments/kubernetes/nonsense.yaml`.", "there is no such file"),
        ("Read [the plan](docs/nonsense.md).", "there is no such file"),
        ("Run `make nonsense`.", "no such make target"),
        ("Open https://status.example.com now.", "no address outside"),
        ("Delete the pod.", "has no adapter"),
        ("Look at the GPU.", "has no adapter"),
        ("Give it 8 Gi.", "has no adapter"),
    ],
)
def test_what_does_not_exist_is_found(known, prose, problem):
    claims = check_claims(f"---\nid: x\n---\n# Title\n\n{prose}\n", known)
    assert problem in str(claims[0])
    assert {claim.line for claim in claims} == {6}


@pytest.mark.parametrize(
    "prose",
    [
        "Run `trimtab drills run --all --json`.",
        "Run `trimtab act knowledge.cache.resize query=500`.",
        "See `kb_query_cache_hit_ratio` and `knowledge.cache.hit_ratio`.",
        "Set `EMBEDDING_MODEL=x` and `service.rate_limit_per_minute`.",
        "Ask `GET /v1/status` or `DELETE /api/v1/users/USER/data`.",
        "```sh\nkubectl get pods\n```",
        'The log has `duration_ms` and `{"status": "queued"}`.',
    ],
)
def test_what_exists_is_accepted(known, prose):
    assert check_claims(prose, known) == []
