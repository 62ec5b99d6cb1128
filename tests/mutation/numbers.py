"""Numbers a little beside a number: near enough that only a test at the boundary sees the difference."""

SHARE = 0.1


def moved(value: float, *, both: bool = True) -> list[str]:
    """Return the number a tenth higher and, with ``both``, a tenth lower; whole numbers move by one at least."""
    if value == 0:
        return ["1"]
    if isinstance(value, int):
        step = max(1, round(abs(value) * SHARE))
        return [str(value + step), *([str(value - step)] if both else [])]
    ends = (1 + SHARE, 1 - SHARE) if both else (1 + SHARE,)
    return [f"{value * end:.6g}" for end in ends]
