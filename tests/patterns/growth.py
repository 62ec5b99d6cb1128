"""Finds texts on which a regular expression takes more than linear time, by CPU time at doubling sizes."""

import re
import time
from itertools import islice, product
from re import _constants as op
from re import _parser

SIZES = (16, 128, 1024)
SUSPECT = 20
"""From one size to the next a linear pattern takes 8 times as long, a quadratic one 64 times."""
CONFIRMED = 2.9
"""From one size to its double: 2 and 4 times."""
_EXPONENTIAL = 8
"""From 12 to 18 repeats: 1.5 times, and 64 times for an exponential one, which would never come back from more."""
_MOST = 150
_TYPICAL = " \n\ta1A.-#:[\"'é"


def worst(pattern, flags, anchored, full):
    """Return the text's recipe on which the pattern's time grows faster than the text, or nothing."""
    if not _unbounded(_parser.parse(pattern, flags)):
        return None  # At each place it takes so many steps and no more.
    compiled = re.compile(pattern, flags)
    run = compiled.fullmatch if full else compiled.match if anchored else _search_all(compiled)
    for before, pump, after in recipes(pattern, flags):
        if grows(run, lambda n, b=before, p=pump, a=after: b + p * n + a):
            return before, pump, after
    return None


def grows(run, text):
    """Return whether the time for `text(n)` grows faster than n, seen at two doublings in a row."""
    if all(cpu(run, text(18)) > _EXPONENTIAL * cpu(run, text(12)) for _ in range(3)):
        return True
    before = cpu(run, text(SIZES[0]))
    for size in SIZES[1:]:
        now = cpu(run, text(size), 1)
        if now > SUSPECT * before:
            # Three times: a machine with other work to do must not make a pattern look slow.
            return all(_confirmed(run, text) for _ in range(3))
        before = now
    return False


def _confirmed(run, text):
    """Return whether it is so above the bounds of bounded repeats, too."""
    times = [cpu(run, text(size), 2) for size in (256, 512, 1024)]
    return times[1] > CONFIRMED * times[0] and times[2] > CONFIRMED * times[1]


def cpu(run, text, repeats=3):
    """Return the least CPU time of this thread over some runs."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.thread_time()
        run(text)
        best = min(best, time.thread_time() - begun)
    return best


def _search_all(compiled):
    return lambda text: all(True for _ in compiled.finditer(text))


def recipes(pattern, flags):
    """Yield what to put before, repeat, and put after: made from the pattern's own pieces."""
    tree = _parser.parse(pattern, flags)
    pieces = list(_pieces(tree))
    whole = _example(tree)
    singles = list(dict.fromkeys([*_characters(tree), *_TYPICAL]))[:40]
    examples = [text for text in dict.fromkeys(example for _, example in pieces) if text][:10]
    starts = list(dict.fromkeys(["", *(before for before, _ in islice(pieces, 12)), whole]))
    pairs = (a + b for a, b in product(examples, singles[:6]))
    pumps = list(dict.fromkeys([*singles, *examples, *starts[1:6], *pairs]))
    befores = starts[: max(2, _MOST // len(pumps))]
    for before, pump in product(befores, pumps):
        yield before, pump, "\x00"
        if before == "":
            yield before, pump, ""
            yield before, pump, "\n!" + pump


_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


def _parts(kind, value):
    """Return the patterns that a node is made of."""
    if kind in _REPEATS:
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.ATOMIC_GROUP:
        return [value]
    if kind is op.BRANCH:
        return list(value[1])
    return [value[1]] if kind in (op.ASSERT, op.ASSERT_NOT) else []


def _unbounded(tree):
    """Return whether some part repeats without limit."""
    return any(
        (kind in _REPEATS and value[1] is op.MAXREPEAT)
        or any(_unbounded(part) for part in _parts(kind, value))
        for kind, value in tree
    )


def _pieces(tree, before=""):
    """Yield an example of each repeated or alternative part, with one of what precedes it."""
    for kind, value in tree:
        for part in _parts(kind, value):
            if kind in (*_REPEATS, op.BRANCH):
                yield before, _example(part)
            yield from _pieces(part, before)
        before += _example([(kind, value)])


def _example(tree):
    """Return a short text that the tree matches, more or less."""
    return "".join(_one(kind, value) for kind, value in tree)


def _one(kind, value):
    if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
        return next(_characters([(kind, value)]), "a")
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return ""
    parts = _parts(kind, value)
    times = max(value[0], 1 if value[1] else 0) if kind in _REPEATS else 1
    return _example(parts[0]) * times if parts else ""


def _characters(tree):
    """Yield characters of every class and literal in the tree."""
    for kind, value in tree:
        if kind is op.LITERAL:
            yield chr(value)
        elif kind is op.NOT_LITERAL:
            yield "a" if value != ord("a") else "b"
        elif kind is op.IN:
            yield from _of_class(value)
        for part in _parts(kind, value):
            yield from _characters(part)


_CATEGORIES = {
    op.CATEGORY_DIGIT: "0", op.CATEGORY_NOT_DIGIT: "a", op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a", op.CATEGORY_WORD: "a", op.CATEGORY_NOT_WORD: ".",
}  # fmt: skip


def _of_class(items):
    if items and items[0][0] is op.NEGATE:
        refused = set(_of_class(items[1:]))
        yield from (text for text in "a1 .-\n" if text not in refused)
        return
    for kind, value in items:
        if kind is op.LITERAL:
            yield chr(value)
        elif kind is op.RANGE:
            yield from dict.fromkeys((chr(value[0]), chr(value[1])))
        elif kind is op.CATEGORY:
            yield _CATEGORIES[value]
