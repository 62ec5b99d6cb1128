"""Streams newline-delimited JSON; the work continues if the client disconnects."""

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

from trimtab.api.errors import InternalError
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)

Emit = Callable[[str, dict[str, object]], None]
"""Adds a line with one key: the name of the step and its facts."""


def ndjson(items: Iterable[Any]) -> StreamingResponse:
    """Return an answer of one JSON document per line."""
    lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    return StreamingResponse(lines, media_type="application/x-ndjson")


def items_of(name: str, work: Callable[[Emit], None]) -> Iterator[dict[str, object]]:
    """Run the work in a thread and yield its items; an error is the last item, as ``error``."""
    emitted: queue.Queue[dict[str, object] | None] = queue.Queue()

    def emit(step: str, facts: dict[str, object]) -> None:
        emitted.put({step: jsonable_encoder(facts)})

    def run() -> None:
        try:
            work(emit)
        except TrimtabError as error:
            emit("error", error.as_wire())
        except Exception:  # noqa: BLE001 - the thread has no caller; the client gets the error.
            _log.exception("streamed work failed", extra={"work": name})
            emit("error", InternalError(f"{name} failed inside trimtab.").as_wire())
        finally:
            emitted.put(None)

    threading.Thread(target=run, name=name, daemon=True).start()
    while (item := emitted.get()) is not None:
        yield item
