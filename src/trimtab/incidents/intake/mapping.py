"""Turns the bodies of other systems' webhooks into alerts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trimtab.incidents.errors import AlertsRefused
from trimtab.incidents.intake.alertmanager import NotAccepted, batch_of, received, start_of
from trimtab.incidents.intake.config import Paths, WebhookMapping
from trimtab.incidents.intake.model import Batch, ReceivedAlert

_LABEL_CHARACTERS = 1024


def parse_mapped(mapping: WebhookMapping, document: Any, now: datetime) -> Batch:
    """Parse the body of a webhook by its mapping.

    Raises:
        AlertsRefused: It is neither an object nor a list.
        TooManyAlerts: It holds too many alerts.
    """
    listed = _at(document, mapping.items) if mapping.items else None
    items = listed if isinstance(listed, list) else document
    if isinstance(items, Mapping):
        items = [items]
    if not isinstance(items, list):
        raise AlertsRefused("Expected a JSON object or a list.")
    heeded = [item for item in items if _status(mapping, item) not in mapping.ignored]
    return batch_of(heeded, lambda item: _alert(mapping, item, now))


def _alert(mapping: WebhookMapping, item: Any, now: datetime) -> ReceivedAlert:
    title, key = _text(item, mapping.title), _text(item, mapping.key)
    if not title and not key:
        raise NotAccepted(f"it has neither a name nor a key (mapping {mapping.name})")
    labels = {name: _text(item, paths) for name, paths in mapping.labels.items()}
    for name, replaced in mapping.values.items():
        labels[name] = replaced.get(labels.get(name, ""), labels.get(name, ""))
    # With a key of the sender, all else may differ between the alert and its end.
    identity = {"key": key} if key else {k: v for k, v in labels.items() if k != "severity"}
    resolved = _status(mapping, item) in mapping.resolved
    starts = start_of(next(iter(_found(item, mapping.starts_at)), None), now)
    alert = received(
        {"alertname": (title or key)[:_LABEL_CHARACTERS], "source": mapping.name, **labels},
        {name: _text(item, paths) for name, paths in mapping.annotations.items()},
        (min(starts, now), now if resolved else None),
        mapping.name,
        resolved=resolved,
    )
    known_by = {"alertname": "" if key else title, "source": mapping.name, **identity}
    return alert.identified_by(known_by)


def _status(mapping: WebhookMapping, item: Any) -> str:
    return _text(item, (mapping.status,)).casefold() if mapping.status else ""


def _text(item: Any, paths: Paths) -> str:
    value = next(iter(_found(item, paths)), "")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _found(item: Any, paths: Paths) -> list[Any]:
    values = [path[1:] if path.startswith("=") else _at(item, path) for path in paths]
    return [value for value in values if value not in (None, "", [], {})]


def _at(document: Any, path: str) -> Any:
    found = document
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found
