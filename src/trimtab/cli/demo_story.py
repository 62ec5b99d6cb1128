"""Prints what the demo does: lines for people, JSON objects for programs."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

_WIDTH = 72


class Story:
    """Tells what happens: a line with its clock for people, one JSON object for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._began = time.monotonic()
        self._on_terminal = not as_json and sys.stderr.isatty()

    def tell(self, stage: str, text: str, **facts: Any) -> None:
        """Tell one stage, with the real seconds since the start."""
        elapsed = time.monotonic() - self._began
        if self._on_terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        if self._json:
            line = {"stage": stage, "elapsed_s": round(elapsed, 3), "text": text, **facts}
            sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        else:
            sys.stdout.write(f"{elapsed:7.1f} s  {stage:<18} {text}\n")
        sys.stdout.flush()

    def progress(self, done: int, total: int, name: str) -> None:
        """Show how far a folder has been read, on one line that is overwritten; at terminals."""
        if self._on_terminal:
            sys.stderr.write(f"\r\x1b[K  {done} of {total}: {name}"[: _WIDTH + 5])
            if done == total:
                sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def wait(self, reason: str) -> None:
        """Show what is being waited for, on the line that is overwritten; at terminals."""
        if self._on_terminal:
            elapsed = time.monotonic() - self._began
            sys.stderr.write(f"\r\x1b[K{elapsed:7.1f} s  {reason}")
            sys.stderr.flush()

    def show(self, text: str) -> None:
        """Show a longer text, to people only."""
        if not self._json:
            sys.stdout.write(f"\n{text}\n\n")

    def end(self, summary: Mapping[str, object]) -> None:
        """Print the last JSON object, to programs only."""
        if self._json:
            sys.stdout.write(json.dumps(summary) + "\n")
