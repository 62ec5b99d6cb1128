"""Every action says whether it can be taken back: in the catalog, at the interface and in the manual."""

import re
from pathlib import Path

import pytest

from tests.faces import client_of
from trimtab.kernel.operable import Effect, Risk

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `([a-z_.]+)[^`]*` \| (observe|automatic|approval)(?:, (\w+))? \|", re.M)


def test_no_irreversible_action_may_run_by_itself(app):
    for action in app.catalog.actions.values():
        if action.effect_class is Effect.IRREVERSIBLE:
            assert action.risk is Risk.APPROVAL, action.name


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("knowledge.cache.resize", "reversible"),
        ("guardrails.restart", "repeatable"),
        ("answers.cache.clear", "repeatable"),
        ("knowledge.database.restore", "irreversible"),
        ("answers.user.erase", "irreversible"),
        ("answers.erasure.retry", "irreversible"),
        ("gates.reset", "irreversible"),
    ],
)
def test_what_loses_state_is_irreversible_and_what_only_starts_anew_is_repeatable(
    app, name, effect
):
    assert app.catalog.action(name).effect_class == effect


def test_the_interface_lists_the_class_of_every_action(app):
    listed = client_of(app).get("/v1/catalog").json()["actions"]
    stated = {action["name"]: action["effect"] for action in listed}
    assert stated == {
        name: action.effect_class.value for name, action in app.catalog.actions.items()
    }


def test_the_manual_states_the_risk_and_the_class_of_the_actions(app):
    rows = {
        name: (risk, effect)
        for page in sorted(DOCS.rglob("*.md"))
        for name, risk, effect in ROW.findall(page.read_text(encoding="utf-8"))
    }
    actions = app.catalog.actions
    wanted = {
        name: (
            actions[name].risk.value,
            "" if actions[name].risk is Risk.OBSERVE else actions[name].effect_class.value,
        )
        for name in rows
    }
    assert rows == wanted
    assert len(rows) > 30
