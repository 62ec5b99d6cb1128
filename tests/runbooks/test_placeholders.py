"""Placeholders of pages: what binds, what does not load, and what stays unknown."""

import pytest

from tests.runbooks.pages import PAGE, catalog, check_expression
from trimtab.kernel.operable import Catalog, Sample, Signal
from trimtab.runbooks import Library
from trimtab.runbooks.errors import PlaceholderUnknown, RunbookRefused
from trimtab.runbooks.lint import PageChecks
from trimtab.runbooks.placeholders import (
    bind_arguments,
    bind_expression,
    label_values,
    match_any,
)

VALUES = label_values([{"name": "web", "namespace": "shop"}, {"name": "web", "reason": ""}])


def with_labels():
    known = catalog()
    level = Signal("tank.of", "l", "Level of each.", lambda: [Sample(1.0)], labels=("name",))
    return Catalog([*known.signals.values(), level], known.actions.values(), known.faults.values())


@pytest.fixture
def load(tmp_path):
    def with_page(text):
        (tmp_path / "tank.md").write_text(text, encoding="utf-8")
        return Library.load(tmp_path, PageChecks(with_labels(), {"TankLow"}, check_expression))

    return with_page


def test_a_value_is_compared_as_a_whole_and_quoted():
    text = 'a{name="$name", other!="x"} > 0 and a{namespace!= "$namespace"} == 1'
    assert bind_expression(text, VALUES) == (
        'a{name="web", other!="x"} > 0 and a{namespace!= "shop"} == 1'
    )
    hostile = label_values([{"name": 'web"} or vector(1) #\\\n'}])
    assert bind_expression('a{name="$name"}', hostile) == (
        'a{name="web\\"} or vector(1) #\\\\\\n"}'
    )


def test_an_argument_is_the_value():
    assert bind_arguments({"name": "$name", "replicas": 3, "value": "costs $5"}, VALUES) == {
        "name": "web",
        "replicas": 3,
        "value": "costs $5",
    }


def test_what_the_alerts_do_not_tell_is_unknown():
    with pytest.raises(PlaceholderUnknown, match="have no label 'reason'"):
        bind_expression('a{reason="$reason"}', VALUES)
    two = label_values([{"name": "web"}, {"name": "api"}])
    with pytest.raises(PlaceholderUnknown, match="more than one name: api, web"):
        bind_arguments({"name": "$name"}, two)


def test_before_a_drill_every_object_counts():
    assert match_any('a{name="$name"} == 1 unless b{name!="$name"}') == (
        'a{name=~".+"} == 1 unless b{name!~".+"}'
    )


def test_a_page_with_placeholders_loads(load):
    text = PAGE.replace("'tank_tap == 1'", "'tank_of{name=\"$name\"} == 1'")
    text = text.replace("by=4", "by='$name'")
    (cause,) = load(text).runbooks["tank-empty"].causes
    assert str(cause.fix[0]) == "trimtab act tank.close_tap 'by=$name'"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("'tank_tap == 1'", "'tank_of{name=\"$nmae\"} == 1'", "no signal has a label 'nmae'"),
        ("'tank_tap == 1'", "'tank_of{name=~\"$name.*\"} == 1'", "not compared as a whole value"),
        ("'tank_tap == 1'", "'tank_of{name=~\"$name\"} == 1'", "not compared as a whole value"),
        ("'tank_tap == 1'", "'tank_of > $name'", "not compared as a whole value"),
        ("by=4", "by='a-$name'", "not the whole value of its argument"),
        ("by=4", "by='$nmae'", "no signal has a label 'nmae'"),
        ("by=4", "by=$name", "no shell reads this line"),
        ("tank.open_tap", "tank.open_tap name='$name'", "before there is an incident"),
    ],
)
def test_a_placeholder_that_could_never_have_a_value_does_not_load(load, old, new, said):
    with pytest.raises(RunbookRefused, match=said):
        load(PAGE.replace(old, new, 1))
