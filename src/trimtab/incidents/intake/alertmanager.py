"""Parses alerts in the formats of Prometheus and Alertmanager."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from trimtab.incidents.errors import AlertsRefused, TooManyAlerts
from trimtab.incidents.intake.fingerprint import fingerprint_of
from trimtab.incidents.intake.model import Batch, ReceivedAlert, RefusedAlert
from trimtab.kernel.redaction import hide_credentials

MAX_BATCH = 20_000
_MAX_LABELS = 64
_MAX_LABEL_CHARACTERS = 1024
_MAX_ANNOTATIONS = 64
_MAX_ANNOTATION_CHARACTERS = 4096
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.]{0,127}")
_CLOCK_SKEW = timedelta(minutes=1)
_UNSET_YEAR = 1
"""Go writes a time that was not set as the first instant of the year 1."""


class NotAccepted(Exception):
    """One alert cannot be accepted; the others of its batch can."""


def parse_json(body: bytes) -> Any:
    """Parse a body; raise `AlertsRefused` when it is not JSON.

    Of a name that is given twice in one object the last value counts, as in Alertmanager.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AlertsRefused(f"The body is not JSON: {error}.") from None


def parse_posted(document: Any, now: datetime) -> Batch:
    """Parse the list of alerts that Prometheus and `amtool` post to ``/api/v2/alerts``.

    Raises:
        AlertsRefused: It is no list.
        TooManyAlerts: It holds more than `MAX_BATCH`.
    """
    if not isinstance(document, list):
        raise AlertsRefused("Expected a JSON list of alerts.")
    return batch_of(document, lambda item: _parse_posted(item, now))


def parse_webhook(document: Any, now: datetime) -> Batch:
    """Parse the body of an Alertmanager webhook, version 4. Unknown fields are ignored.

    Raises:
        AlertsRefused: It is no such body, or has another version.
        TooManyAlerts: It holds more than `MAX_BATCH`.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("alerts"), list):
        raise AlertsRefused("Expected an object with the list `alerts`.")
    version = str(document.get("version", "4"))
    if version != "4":
        raise AlertsRefused(f"Webhook version {version[:20]!r} is not supported, only 4.")
    labels = _group_labels(document.get("groupLabels"))
    return batch_of(document["alerts"], lambda item: _of_webhook(item, labels, now))


def batch_of(items: list[Any], parse: Callable[[Any], ReceivedAlert]) -> Batch:
    """Parse each item; one that cannot be accepted is listed with its reason.

    Raises:
        TooManyAlerts: There are more than `MAX_BATCH`.
    """
    if len(items) > MAX_BATCH:
        raise TooManyAlerts(
            f"{len(items)} alerts in one request; the limit is {MAX_BATCH}.",
            hint="Send them in several requests.",
        )
    alerts: dict[str, ReceivedAlert] = {}
    refused = []
    for position, item in enumerate(items):
        try:
            alert = parse(item)
        except NotAccepted as error:
            refused.append(RefusedAlert(position, str(error)))
            continue
        # Of two alerts with the same labels the later counts.
        alerts.pop(alert.fingerprint, None)
        alerts[alert.fingerprint] = alert
    return Batch(tuple(alerts.values()), tuple(refused))


def received(
    labels: Mapping[Any, Any],
    annotations: Mapping[Any, Any],
    times: tuple[datetime, datetime | None],
    source: str,
    *,
    resolved: bool,
    more: Mapping[str, Any] | None = None,
) -> ReceivedAlert:
    """Return a checked alert.

    Args:
        labels: Its identity; too many or too long ones are refused.
        annotations: Cut to their limits.
        times: When it started and ended.
        source: Who sent it.
        resolved: Whether it is over.
        more: Further fields of the record.
    """
    kept = _labels(labels)
    return ReceivedAlert(
        fingerprint=fingerprint_of(kept),
        labels=kept,
        annotations=_annotations(annotations),
        starts_at=times[0],
        ends_at=times[1],
        resolved=resolved,
        source=source,
        **(more or {}),
    )


def time_of(value: Any, name: str) -> datetime | None:
    """Parse a time in RFC 3339; None when it is not set.

    Raises:
        NotAccepted: It is no time.
    """
    if value in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise NotAccepted(f"{name} is not a time: {str(value)[:40]!r}") from None
    if found.year <= _UNSET_YEAR:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise NotAccepted(f"{name} is not a possible time") from None


def start_of(value: Any, now: datetime) -> datetime:
    """Return when an alert started; now if it says nothing or a time to come.

    Raises:
        NotAccepted: It is no time.
    """
    found = time_of(value, "startsAt")
    return now if found is None or found > now + _CLOCK_SKEW else found


def _parse_posted(item: Any, now: datetime) -> ReceivedAlert:
    fields = _object(item, "alert")
    starts, ends = start_of(fields.get("startsAt"), now), time_of(fields.get("endsAt"), "endsAt")
    if ends is not None and ends < starts:
        if time_of(fields.get("startsAt"), "startsAt"):
            raise NotAccepted("endsAt lies before startsAt")
        starts = ends
    return received(
        _object(fields.get("labels"), "labels"),
        _object(fields.get("annotations") or {}, "annotations"),
        (starts, ends),
        "prometheus",
        resolved=ends is not None and ends <= now,
        more={"generator_url": _url(fields.get("generatorURL"))},
    )


def _of_webhook(item: Any, group: tuple[tuple[str, str], ...], now: datetime) -> ReceivedAlert:
    fields = _object(item, "alert")
    status = fields.get("status")
    if status not in ("firing", "resolved"):
        raise NotAccepted(f"status is neither firing nor resolved: {str(status)[:20]!r}")
    resolved = status == "resolved"
    # Alertmanager repeats a firing alert after hours only, so its `endsAt` does not mean an expiry.
    ends = (time_of(fields.get("endsAt"), "endsAt") or now) if resolved else None
    return received(
        _object(fields.get("labels"), "labels"),
        _object(fields.get("annotations") or {}, "annotations"),
        (start_of(fields.get("startsAt"), now), ends),
        "alertmanager",
        resolved=resolved,
        more={"generator_url": _url(fields.get("generatorURL")), "group_labels": group},
    )


def _group_labels(given: Any) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(sorted(_labels(given).items())) if isinstance(given, Mapping) else ()
    except NotAccepted:
        return ()  # Without a usable group, trimtab groups by its own labels.


def _object(value: Any, name: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise NotAccepted(f"{name} is not an object")
    return value


def _labels(given: Mapping[Any, Any]) -> dict[str, str]:
    # A label without a value is the same as no label.
    found = {name: value for name, value in given.items() if value not in ("", None)}
    if not found:
        raise NotAccepted("it has no label")
    if len(found) > _MAX_LABELS:
        raise NotAccepted(f"it has {len(found)} labels; the limit is {_MAX_LABELS}")
    for name, value in found.items():
        if not _LABEL_NAME.fullmatch(name):
            raise NotAccepted(f"invalid label name {name[:40]!r}")
        if not isinstance(value, str):
            raise NotAccepted(f"the label {name} is not a text")
        if len(value) > _MAX_LABEL_CHARACTERS:
            raise NotAccepted(f"the label {name} is longer than {_MAX_LABEL_CHARACTERS} characters")
    return found


def _annotations(given: Mapping[Any, Any]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in _first(given.items(), _MAX_ANNOTATIONS):
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        if len(text) > _MAX_ANNOTATION_CHARACTERS:
            cut = len(text) - _MAX_ANNOTATION_CHARACTERS
            text = f"{text[:_MAX_ANNOTATION_CHARACTERS]} [{cut} more characters were cut]"
        kept[str(name)[:_MAX_LABEL_CHARACTERS]] = hide_credentials(text)
    return kept


def _first(items: Iterable[tuple[Any, Any]], limit: int) -> list[tuple[Any, Any]]:
    return [item for number, item in enumerate(items) if number < limit]


def _url(value: Any) -> str:
    return hide_credentials(value[:_MAX_LABEL_CHARACTERS]) if isinstance(value, str) else ""
