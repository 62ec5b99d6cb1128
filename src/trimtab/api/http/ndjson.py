"""Answers that come a JSON object a line, from work that goes on even when nobody reads any more."""

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator

from fastapi.encoders import jsonable_encoder

from trimtab.api.errors import InternalError
from trimtab.kernel.errors import TrimtabError

_log = logging.getLogger(__name__)

Tell = Callable[[str, dict[str, object]], None]
"""Adds a line: its one name, and what stands under it."""


def lines_of(what: str, work: Callable[[Tell], None]) -> Iterator[str]:
    """Yield the lines that ``work`` tells, and ``error`` with the error if it raises one."""
    said: queue.Queue[str | None] = queue.Queue()

    def tell(name: str, body: dict[str, object]) -> None:
        said.put(json.dumps({name: jsonable_encoder(body)}, ensure_ascii=False) + "\n")

    def guarded() -> None:
        try:
            work(tell)
        except TrimtabError as error:
            tell("error", error.as_wire())
        except Exception:  # noqa: BLE001 - the thread has no caller; its reader is told.
            _log.exception("streamed work failed", extra={"work": what})
            tell("error", InternalError(f"{what} failed inside trimtab.").as_wire())
        finally:
            said.put(None)

    threading.Thread(target=guarded, name=what, daemon=True).start()
    while (line := said.get()) is not None:
        yield line
