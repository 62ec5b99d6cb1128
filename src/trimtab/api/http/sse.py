"""Server-sent events whose data is JSON; sse-starlette sends them."""

import json
from typing import Any

from fastapi.encoders import jsonable_encoder


def json_event(name: str, item: Any, *, event_id: str = "") -> dict[str, str]:
    """Return an event in the form that sse-starlette sends."""
    event = {"event": name, "data": json.dumps(jsonable_encoder(item), ensure_ascii=False)}
    return {**event, "id": event_id} if event_id else event
