"""Tells a leak from caches that fill: what is in use at rest, after each leg of a soak, over the requests made by then."""

import json
import signal
import time

import numpy as np

LEAST_REQUESTS = 4000
"""Below so many requests in the second half nothing is said."""
BLOCKS = (0.25, 1.0)
"""Of Python's allocator, left behind by a request: a leak is at least one. Whose 95 % interval lies above the first is
suspected, and below the second there is none; between them the run was too short or too noisy to tell."""
BYTES = (128, 1024)
"""The same for C's heaps."""
_T95 = (0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
"""Student's t for a 95 % interval, by degrees of freedom."""
_WAIT_SECONDS = 120


class Rests:
    """Looks at the service between two legs, while nobody asks.

    Each time it looks thrice, so many seconds apart, and keeps the least: a backup or a check that happens to run holds a
    few hundred thousand blocks for a while.
    """

    def __init__(self, process, file, seconds=4.0):
        self._process, self._file, self._seconds = process, file, seconds
        self._looks = 0
        self.rows, self.requests = [], []

    def look(self, requests):
        """Take down what the process holds after so many requests."""
        found = []
        for _ in range(3):
            time.sleep(self._seconds)
            found.append(self._told())
        self.rows.append(min(found, key=lambda row: row["blocks"]))
        self.requests.append(requests)

    def _told(self):
        self._process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + _WAIT_SECONDS
        while len(lines := self._lines()) <= self._looks:
            assert time.monotonic() < until, "the service does not tell what it holds"
            time.sleep(0.1)
        self._looks = len(lines)
        return json.loads(lines[-1])

    def _lines(self):
        return self._file.read_text().splitlines() if self._file.exists() else []

    def judge(self, result):
        """Note the verdict on the second half, and every container that grew in it."""
        half = len(self.rows) // 2
        rows, requests = self.rows[half:], self.requests[half:]
        made = requests[-1] - requests[0]
        blocks = slope(requests, [row["blocks"] for row in rows])
        used = slope(requests, [row.get("used", 0.0) * 2**20 for row in rows])
        verdict = verdict_of(made, blocks, used)
        result.expect(verdict != "suspected", f"memory grew: a leak of {blocks} or {used}")
        result.figures |= {
            "leak": f"{verdict} ({made} requests in {len(rows) - 1} legs of the second half)",
            "left behind by a request, Python blocks": interval(blocks, 3),
            "left behind by a request, bytes of C's heaps": interval(used, 0),
            "at rest": [
                {name: round(row[name], 1) for name in row if name != "containers"}
                for row in (self.rows[half], self.rows[-1])
            ],
            "containers that grew": grown(rows[0]["containers"], rows[-1]["containers"]),
        }


def slope(x, y):
    """Return the slope of the least squares and half the width of its 95 % interval."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 3 or np.ptp(x) == 0:
        return 0.0, float("inf")
    gradient, start = np.polyfit(x, y, 1)
    free = len(x) - 2
    error = np.sqrt(np.sum((y - gradient * x - start) ** 2) / free / np.sum((x - x.mean()) ** 2))
    return float(gradient), float(error * _T95[min(free, len(_T95) - 1)])


def verdict_of(requests, blocks, used):
    """Return whether there is a leak: ``suspected``, ``none``, or that it cannot be told."""
    if requests < LEAST_REQUESTS:
        return "too few requests to tell"
    found = ((*blocks, *BLOCKS), (*used, *BYTES))
    if any(middle - width > least for middle, width, least, _ in found):
        return "suspected"
    if all(middle + width < most for middle, width, _, most in found):
        return "none"
    return "too noisy to tell"


def interval(found, digits):
    """Return it in words."""
    return f"{found[0]:.{digits}f} +- {found[1]:.{digits}f}"


def grown(before, after, least=20):
    """Return the containers that grew by so much, the most first: from, to, and their bound."""
    rows = [(name, before.get(name, [0])[0], *found) for name, found in after.items()]
    rows = [row for row in rows if row[2] - row[1] >= least]
    rows.sort(key=lambda row: row[1] - row[2])
    return [f"{name}: {was} -> {now} of {bound}" for name, was, now, bound in rows]
