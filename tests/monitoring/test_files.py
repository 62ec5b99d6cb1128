import pytest

from trimtab.kernel.errors import Misconfigured
from trimtab.monitoring.errors import (
    BadRuleFile,
    MissingRunbook,
    UnknownMetric,
    UnsupportedRule,
)
from trimtab.monitoring.files import Known, load_rules

GOOD = """
groups:
  - name: g
    interval: 30s
    rules:
      - record: room:heat:max
        expr: max by (room) (heat)
        labels: {unit: celsius}
      - alert: Hot
        expr: room:heat:max > 30 and on() up == 1
        for: 1m30s
        keep_firing_for: 2m
        labels: {severity: P2}
        annotations: {summary: "{{ $value }}", runbook_url: "runbook:cool-down"}
"""
ALERT = GOOD.partition("      - alert")[0] + "      - {alert: Hot, expr: heat > 1"


def loaded(tmp_path, text, known=None):
    path = tmp_path / "rules.yml"
    path.write_text(text)
    return load_rules([path], known)


def refusal(tmp_path, text, kind=BadRuleFile, known=None):
    with pytest.raises(Misconfigured) as caught:
        loaded(tmp_path, text, known)
    assert type(caught.value) is kind
    assert "rules.yml" in caught.value.message
    assert caught.value.hint()
    return caught.value


def test_a_file_becomes_groups_of_rules(tmp_path):
    (group,) = loaded(tmp_path, GOOD)
    record, alert = group.rules
    assert (group.name, group.interval_seconds, record.name) == ("g", 30.0, "room:heat:max")
    assert record.labels == (("unit", "celsius"),)
    assert (alert.hold_seconds, alert.keep_firing_seconds) == (90.0, 120.0)
    assert [name for name, _ in alert.annotations] == ["summary", "runbook_url"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("15s", 15), ("1h30m", 5400), ("1500ms", 1.5), ("2d", 172_800)],
)
def test_durations_are_read_as_prometheus_reads_them(tmp_path, text, seconds):
    ((_, alert),) = [group.rules for group in loaded(tmp_path, GOOD.replace("1m30s", text))]
    assert alert.hold_seconds == seconds


def test_an_empty_file_has_no_rules(tmp_path):
    assert loaded(tmp_path, "") == loaded(tmp_path, "groups: []") == ()


def test_known_and_recorded_and_built_in_metrics_may_be_named(tmp_path):
    assert loaded(tmp_path, GOOD, Known(metrics={"heat"}, runbooks={"cool-down"}))


def test_an_unknown_metric_is_refused_with_the_nearest_names(tmp_path):
    error = refusal(tmp_path, GOOD, UnknownMetric, Known(metrics={"heat_c", "heap", "x"}))
    assert "group 'g', rule 'room:heat:max': there is no metric 'heat'" in error.message
    assert error.hint() == "Did you mean heat_c or heap?"


def test_an_unknown_runbook_is_refused_with_the_nearest_name(tmp_path):
    error = refusal(tmp_path, GOOD, MissingRunbook, Known(runbooks={"cool-down-fast", "zzz"}))
    assert error.hint() == "Did you mean cool-down-fast?"


def test_a_runbook_elsewhere_is_not_looked_up(tmp_path):
    text = GOOD.replace("runbook:cool-down", "https://example.test/book")
    assert loaded(tmp_path, text, Known(runbooks=set()))


@pytest.mark.parametrize(
    "annotations", ["", ", annotations: {summary: x}", ', annotations: {runbook_url: ""}']
)
def test_an_alert_without_runbook_is_refused(tmp_path, annotations):
    error = refusal(tmp_path, f"{ALERT}{annotations}}}", MissingRunbook)
    assert error.code == "rules.no_runbook"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("rate(heat[5m:1m]) > 0", "subqueries are not supported"),
        ("heat @ 5 > 0", "the @ modifier is not supported"),
        ("holt_winters(heat[5m], 0.5, 0.5) > 0", "unknown function"),
        ("hour() > 5", "the function hour() is not supported"),
        ("limitk(2, heat)", "the aggregation limitk is not supported"),
        ("heat atan2 heat", "the operator atan2 is not supported"),
        ('heat{a=~"\\\\bx"} > 0', None),
        ('label_replace(heat, "a b", "b", "c", "x")', "'a b' is not a label name"),
        ("heat + on(a) fill(0) heat", "fill() is not supported"),
    ],
)
def test_an_unsupported_expression_is_refused_with_the_expression_and_the_reason(
    tmp_path, expression, reason
):
    text = f"groups: [{{name: g, rules: [{{record: r, expr: '{expression}'}}]}}]"
    if reason is None:
        assert loaded(tmp_path, text)
        return
    kind = BadRuleFile if reason == "unknown function" else UnsupportedRule
    error = refusal(tmp_path, text, kind)
    assert reason in error.message
    assert "rule 'r'" in error.message
    assert repr(expression)[1:6] in error.message


@pytest.mark.parametrize(
    "template",
    [
        "{{ $labels.x | toUpper }}",
        "{{ range query `up` }}{{ end }}",
        "{{ if $value }}x{{ end }}",
        "{{ $externalLabels.x }}",
        "{{- $value -}}",
        '{{ printf "%d" $value }}',
        '{{ printf "%s" $labels.x }}',
        '{{ printf "%.1f" $value }}',
        "{{ humanizeDuration $value }}",
        "{{ $value | humanize }}",
        "{{ $value | humanizeDuration | humanizeDuration }}",
        "{{ $value",
        "{{ }}",
        "{{ $labels }}",
        "{{ humanize $labels.x }}",
    ],
)
def test_an_unsupported_template_is_refused(tmp_path, template):
    quoted = template.replace("'", "''")
    text = f"{ALERT}, annotations: {{runbook_url: 'runbook:x', s: '{quoted}'}}}}"
    error = refusal(tmp_path, text, UnsupportedRule)
    assert "rule 'Hot': The template" in error.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("groups:", "groups: 5 #", "not valid YAML"),
        ("groups:", "rules:", "the field 'rules' is not known here"),
        ("interval: 30s", "intervall: 30s", "the field 'intervall' is not known"),
        ("interval: 30s", "interval: 0s", "interval must be longer than zero"),
        ("interval: 30s", "interval: soon", "`interval` is 'soon'"),
        ("interval: 30s", "name: again", "the key 'name' stands twice"),
        ("name: g", "name: ''", "`name` must be a text"),
        ("for: 1m30s", "for: 90", "`for` is 90"),
        ("for: 1m30s", "For: 1m30s", "the field 'For' is not known"),
        ("expr: max by (room) (heat)", "expr: ''", "`expr` must be a text"),
        ("expr: max by (room) (heat)", "expr: 'max by ('", "is refused"),
        ("record: room:heat:max", "record: 1abc", "'1abc' is not a metric name"),
        ("record: room:heat:max", "name: x", "either `alert` or `record`"),
        ("record: room:heat:max", "{alert: x, record: y}", "not valid YAML"),
        ("{unit: celsius}", "{1unit: celsius}", "'1unit' in `labels` is not a name"),
        ("{unit: celsius}", "{__name__: celsius}", "cannot be set"),
        ("{unit: celsius}", "{unit: 5}", "`labels` unit must be a text"),
        ("{unit: celsius}", "[unit]", "`labels` must be a mapping"),
        ("labels: {unit: celsius}", "for: 5m", "the field 'for' is not known"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, old, new, said):
    assert GOOD.count(old) >= 1
    assert said in refusal(tmp_path, GOOD.replace(old, new, 1)).message


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b",
        "just text",
        "groups: {a: b}",
        "groups: [5]",
        "groups: [{name: g, rules: [x]}]",
        "\0",
    ],
)
def test_what_is_not_a_rule_file_is_refused(tmp_path, text):
    refusal(tmp_path, text)


def test_two_groups_of_one_name_are_refused(tmp_path):
    refusal(tmp_path, "groups: [{name: g}, {name: g}]")


@pytest.mark.parametrize("field", ["limit: 5", "query_offset: 1m"])
def test_a_field_that_only_prometheus_knows_is_unsupported(tmp_path, field):
    refusal(tmp_path, GOOD.replace("interval: 30s", field), UnsupportedRule)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadRuleFile, match="cannot be read"):
        load_rules([tmp_path / "rules.yml"])
