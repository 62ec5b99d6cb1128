"""Pages and the list of gaps name only commands, paths, settings and metrics that exist, and sources of the contract."""

import re
from pathlib import Path

import pytest
import typer.main

from tests.contract.report import load_features
from trimtab.app.page_names import known_names
from trimtab.cli.main import app as command_line
from trimtab.cli.runbooks import command_options
from trimtab.runbooks.claims import check_claims
from trimtab.runbooks.sources import FEATURES, check_source

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "library").glob("*.md"))
GAPS = ROOT / "docs" / "contract-gaps.md"


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    from trimtab.app import build
    from trimtab.infra.settings import load

    folder = tmp_path_factory.mktemp("claims") / "data"
    app = build(load(flags={"service.data_dir": str(folder)}, environment={}))
    try:
        commands = command_options(typer.main.get_command(command_line))
        return known_names(app.catalog, app.registry, app.http_apps, commands)
    finally:
        app.close()


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
    text = page.read_text(encoding="utf-8")
    assert re.search(r"^source: ", text.split("---\n")[1], re.MULTILINE)
    assert check_source(text) == []


@pytest.mark.parametrize("page", ["background-late", "incidents-stalled"])
def test_a_page_that_no_document_asks_for_says_so(page):
    head = (ROOT / "library" / f"{page}.md").read_text(encoding="utf-8").split("---\n")[1]
    assert 'source: "trimtab"' in head


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("KB-18, MISO-REF08, F001-F754", []),
        ("trimtab", []),
        ("KB-19", ["KB-19"]),
        ("AOPS-REF05, AOPS-REF06", ["AOPS-REF06"]),
        ("KB-00, F000, F755", ["KB-00", "F000", "F755"]),
        ("KB-1, KB-010", ["KB-1", "KB-010"]),
        ("a good book", ['"a good book"']),
    ],
)
def test_a_source_that_no_document_has_is_found(source, wrong):
    claims = check_source(f'---\nid: x\nsource: "{source}"\n---\n# Title\n')
    assert [claim.named for claim in claims] == wrong
    assert {claim.line for claim in claims} <= {3}


def test_the_number_of_features_is_the_contracts():
    assert set(load_features()) == {f"F{number:03}" for number in range(1, FEATURES + 1)}


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
        ("Look at the replicas.", "has no adapter"),
        ("Give it 8 Gi.", "has no adapter"),
    ],
)
def test_what_does_not_exist_is_found(known, prose, problem):
    claims = check_claims(f"---\nid: x\n---\n# Title\n\n{prose}\n", known)
    assert problem in str(claims[0])
    assert {claim.line for claim in claims} == {6}


def test_a_page_about_clusters_may_speak_of_pods(known):
    page = "---\nid: a\n{}---\n# Pods\nA person adds replicas.\n"
    assert [claim.named for claim in check_claims(page.format(""), known)] == ["Pods", "replicas"]
    assert check_claims(page.format("needs: kubernetes\n"), known) == []


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
