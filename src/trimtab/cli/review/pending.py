"""Mirror of the open review items as files, one JSON object each.

The database is the truth: a file that is deleted by hand comes back, one whose item is closed goes.
"""

import json
import re
from pathlib import Path
from typing import Any

from trimtab.cli.runtime.session import Session

_OWN = re.compile(r"^[\w.-]{1,200}\.json$")
_UNSAFE = re.compile(r"[^\w.-]")


def sync_pending(session: Session, folder: Path, limit: int = 1000) -> int:
    """Write a file for each open item, remove those of closed ones; return how many are open."""
    params = {"limit": limit}
    items = session.client.call("GET", "/v1/review/items", params=params)["items"]
    folder.mkdir(parents=True, exist_ok=True)
    files = {_name(item): item for item in items}
    for name, item in files.items():
        _write(folder / name, item)
    for file in folder.glob("*.json"):
        if _OWN.match(file.name) and file.name not in files:
            file.unlink(missing_ok=True)
    return len(files)


def _name(item: dict[str, Any]) -> str:
    return f"{_UNSAFE.sub('_', item['trace_id'])[:150]}.json"


def _write(file: Path, item: dict[str, Any]) -> None:
    text = json.dumps(item, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)
