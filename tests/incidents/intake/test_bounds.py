"""The limits of alerts from outside, each on both sides: what just fits is taken whole, what does not is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.incidents.intake.desk import make_desk, posted, sent
from trimtab.incidents.errors import (
    AlertsRefused,
    MatcherRefused,
    SilenceRefused,
    TooManyAlerts,
)
from trimtab.incidents.intake import Matcher, SilenceRequest
from trimtab.incidents.intake.alertmanager import batch_of, parse_posted, parse_webhook
from trimtab.incidents.intake.fingerprint import fingerprint_of
from trimtab.incidents.intake.matchers import check_matchers, matches, parse_matcher

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def read(**fields):
    """Return the alert that Prometheus posts with these fields, or why it is refused."""
    batch = parse_posted([{"labels": {"alertname": "A"}, **fields}], NOON)
    return batch.alerts[0] if batch.alerts else batch.refused[0].reason


def test_a_fingerprint_is_that_of_prometheus():
    # From the tests of the Go package prometheus/common/model.
    labels = {"name": "garland, briggs", "fear": "love is not enough"}
    assert int(fingerprint_of(labels), 16) == 5799056148416392346


def test_a_fingerprint_has_64_bits():
    found = [fingerprint_of({"a": str(number)}) for number in range(20)]
    assert {len(each) for each in found} == {16}
    assert {int(each[0], 16) >= 8 for each in found} == {True, False}


def test_an_alert_has_64_labels_at_most():
    labels = {f"l{number}": "x" for number in range(64)}
    assert len(read(labels=labels).labels) == 64
    assert read(labels={**labels, "more": "x"}) == "it has 65 labels; the limit is 64"


def test_a_label_without_a_value_is_no_label():
    labels = {"alertname": "A", "empty": "", "none": None}
    assert read(labels=labels).labels == {"alertname": "A"}


def test_a_label_has_1024_characters_at_most():
    assert read(labels={"alertname": "A", "path": "x" * 1024}).labels["path"] == "x" * 1024
    refused = read(labels={"alertname": "A", "path": "x" * 1025})
    assert refused == "the label path is longer than 1024 characters"


def test_an_alert_keeps_64_annotations():
    kept = read(annotations={f"a{number:02}": "x" for number in range(70)}).annotations
    assert list(kept) == [f"a{number:02}" for number in range(64)]


def test_an_annotation_of_4096_characters_is_kept_whole():
    assert read(annotations={"summary": "x" * 4096}).annotations["summary"] == "x" * 4096
    cut = read(annotations={"summary": "x" * 4097}).annotations["summary"]
    assert cut == "x" * 4096 + " [1 more characters were cut]"


def test_an_annotation_that_is_no_text_is_kept_as_json():
    assert read(annotations={"hosts": ["a", 1]}).annotations == {"hosts": '["a",1]'}


def test_a_request_holds_20000_alerts_at_most():
    alerts = [{"labels": {"alertname": "A"}}] * 20_000
    assert len(parse_posted(alerts, NOON).alerts) == 1
    with pytest.raises(TooManyAlerts, match="20001 alerts in one request; the limit is 20000"):
        parse_posted([*alerts, {"labels": {"alertname": "A"}}], NOON)


def test_of_two_equal_alerts_the_later_one_also_takes_the_later_place():
    def parse(item):
        return parse_posted([{"labels": {"alertname": item}}], NOON).alerts[0]

    assert [each.name for each in batch_of(["A", "B", "A"], parse).alerts] == ["B", "A"]


@pytest.mark.parametrize(("seconds", "kept"), [(60, True), (61, False)])
def test_a_start_of_a_clock_that_is_a_minute_ahead_is_believed(seconds, kept):
    start = NOON + timedelta(seconds=seconds)
    assert read(startsAt=start.isoformat()).starts_at == (start if kept else NOON)


def test_only_the_year_1_means_that_a_time_is_not_set():
    assert read(startsAt="0001-06-01T00:00:00Z").starts_at == NOON
    assert read(startsAt="0002-01-01T00:00:00Z").starts_at.year == 2
    assert read(endsAt="0001-01-01T00:00:00Z").ends_at is None


def test_a_time_without_a_zone_is_utc_and_an_empty_one_is_not_set():
    assert read(startsAt="2026-03-14T11:00:00").starts_at == NOON - timedelta(hours=1)
    assert read(startsAt="", endsAt=None).starts_at == NOON


@pytest.mark.parametrize(("seconds", "over"), [(-1, True), (0, True), (1, False)])
def test_an_alert_is_over_from_its_end_on(seconds, over):
    alert = read(endsAt=(NOON + timedelta(seconds=seconds)).isoformat())
    assert alert.resolved is over


def test_an_alert_may_end_at_the_instant_of_its_start_and_not_before():
    start = NOON - timedelta(hours=1)
    alert = read(startsAt=start.isoformat(), endsAt=start.isoformat())
    assert (alert.starts_at, alert.ends_at) == (start, start)
    early = (start - timedelta(seconds=1)).isoformat()
    assert read(startsAt=start.isoformat(), endsAt=early) == "endsAt lies before startsAt"


def test_an_alert_that_tells_its_end_only_began_no_later():
    end = NOON - timedelta(hours=1)
    alert = read(endsAt=end.isoformat())
    assert (alert.starts_at, alert.ends_at, alert.resolved) == (end, end, True)


def test_the_link_of_an_alert_is_kept_with_both_formats():
    link = "http://prometheus.test/graph?g0.expr=up"
    assert read(generatorURL=link).generator_url == link
    document = {"alerts": [{**sent(), "generatorURL": link}]}
    assert parse_webhook(document, NOON).alerts[0].generator_url == link
    assert read(generatorURL=7).generator_url == ""


def test_a_webhook_without_a_usable_group_is_grouped_here():
    for group in (None, [], {}, {"alert name": "x"}):
        document = {"alerts": [sent()], "groupLabels": group}
        assert parse_webhook(document, NOON).alerts[0].group_labels == ()


def test_what_is_posted_must_be_a_list():
    with pytest.raises(AlertsRefused, match="list"):
        parse_posted({"labels": {"alertname": "A"}}, NOON)


def test_an_alert_of_a_webhook_fires_or_is_resolved():
    batch = parse_webhook({"alerts": [sent("suppressed")]}, NOON)
    assert batch.refused[0].reason == "status is neither firing nor resolved: 'suppressed'"


def test_a_resolved_alert_of_a_webhook_without_an_end_has_ended_now():
    (alert,) = parse_webhook({"alerts": [sent("resolved")]}, NOON).alerts
    assert alert.ends_at == NOON
    (alert,) = parse_webhook({"alerts": [sent() | {"endsAt": "2026-03-15T00:00:00Z"}]}, NOON).alerts
    assert alert.ends_at is None  # It fires until its end is told.


def test_a_silence_has_50_matchers_at_most():
    fifty = [Matcher(f"l{number}", "x") for number in range(50)]
    assert len(check_matchers(fifty)) == 50
    with pytest.raises(MatcherRefused, match="Expected 1 to 50 matchers, not 51"):
        check_matchers([*fifty, Matcher("more", "x")])
    with pytest.raises(MatcherRefused, match="not 0"):
        check_matchers([])


def test_one_matcher_that_needs_a_label_is_enough():
    assert len(check_matchers([Matcher("a", ".*", is_regex=True), Matcher("b", "x")])) == 2


def test_a_pattern_is_checked_when_it_is_read():
    with pytest.raises(MatcherRefused, match="Invalid pattern"):
        parse_matcher("a=~(")


def test_an_alert_must_fulfil_every_matcher():
    both = (parse_matcher("a=x"), parse_matcher("b=y"))
    assert matches(both, {"a": "x", "b": "y"})
    assert not matches(both, {"a": "x"})


def ask(desk, **changes):
    now = desk.clock.now()
    given = {
        "matchers": (Matcher("alertname", "A"),),
        "starts_at": now,
        "ends_at": now + timedelta(hours=1),
        "created_by": "bob",
        "comment": "c",
    }
    return desk.silences.put(SilenceRequest(**given | changes), "alice")


def test_author_and_comment_have_1000_characters_at_most(desk):
    assert len(ask(desk, comment="x" * 1000, created_by="y" * 1000).comment) == 1000
    for change in ({"comment": "x" * 1001}, {"created_by": "x" * 1001}):
        with pytest.raises(SilenceRefused, match="up to 1000 characters"):
            ask(desk, **change)


def test_a_silence_ends_after_it_starts_and_after_now(desk):
    now = desk.clock.now()
    second = timedelta(seconds=1)
    ask(desk, starts_at=now + second, ends_at=now + 2 * second)
    for starts, ends in ((now + second, now + second), (now - second, now)):
        with pytest.raises(SilenceRefused, match="ends before it starts, or in the past"):
            ask(desk, starts_at=starts, ends_at=ends)


def test_a_thousand_silences_may_be_active_and_ended_ones_do_not_count(desk):
    now = desk.clock.now()
    ended = ask(desk)
    desk.silences.expire(ended.id, "alice")
    for number in range(1000):
        active = replace(ended, id=f"s{number}", ends_at=now + timedelta(hours=1))
        desk.store.put_silence(active)
    with pytest.raises(SilenceRefused, match="1000 silences are active already"):
        ask(desk)
    desk.silences.expire("s0", "alice")
    assert ask(desk).id


@pytest.mark.parametrize(("days", "kept"), [(30, True), (31, False)])
def test_an_ended_silence_is_kept_for_30_days(desk, days, kept):
    old = ask(desk)
    desk.silences.expire(old.id, "alice")
    desk.later(days=days)
    ask(desk)
    assert (old.id in {each.id for each in desk.silences.all()}) is kept


def test_a_silence_is_active_from_its_start_and_ended_from_its_end_on(desk):
    start = desk.clock.now() + timedelta(minutes=5)
    end = start + timedelta(minutes=5)
    found = ask(desk, starts_at=start, ends_at=end)
    second = timedelta(seconds=1)
    states = [found.state(at) for at in (start - second, start, end - second, end)]
    assert states == ["pending", "active", "active", "expired"]


def test_the_store_of_alerts_takes_as_many_as_its_limit(tmp_path):
    desk = make_desk(tmp_path, alerts_limit=2)
    assert desk.post(posted(instance="a"), posted(instance="b")).fired == 2
    assert desk.post(posted(instance="a"), posted(instance="b")).repeated == 2
    with pytest.raises(TooManyAlerts, match="2 received alerts are stored already"):
        desk.post(posted(instance="c"))


def test_under_a_limit_that_was_lowered_known_alerts_are_repeated(tmp_path):
    desk = make_desk(tmp_path, alerts_limit=2)
    assert desk.post(posted(instance="a"), posted(instance="b")).fired == 2
    desk.operator.context.store._database.close()
    desk = make_desk(tmp_path, alerts_limit=1)
    assert desk.post(posted(instance="a"), posted(instance="b")).repeated == 2
