"""Drift report for people: a Markdown table and an SVG plot."""

from collections.abc import Sequence
from html import escape

from trimtab.gates.drift import DriftRow, Level

_COLOURS = {Level.SAME: "#2e7d32", Level.WARNING: "#e69500", Level.CRITICAL: "#c62828"}
_MARKS = {Level.SAME: "✅", Level.WARNING: "⚠️", Level.CRITICAL: "❌"}
_ROW_HEIGHT, _LABEL_WIDTH, _PLOT_WIDTH = 24, 220, 480


def markdown(rows: Sequence[DriftRow], *, plot: str = "") -> str:
    """Return the Markdown table, largest drop first.

    Args:
        rows: The compared benchmarks.
        plot: File name of the SVG plot; empty without one.
    """
    lines = [
        "# Drift against the golden baseline",
        "",
        "| | Benchmark | Baseline | Now | Change | Noise | Tolerance | Reading |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {_MARKS[row.level]} | {row.name} | {row.baseline:.4f} | {row.current:.4f} |"
        f" {row.change:+.4f} | ±{row.noise:.4f} | ±{row.tolerance:g} | {row.why} |"
        for row in rows
    ]
    if plot:
        lines += ["", f"![Change of each benchmark with its tolerance window]({plot})"]
    return "\n".join(lines) + "\n"


def svg(rows: Sequence[DriftRow]) -> str:
    """Return the SVG plot: dot, error bar and tolerance band by benchmark."""
    reach = (
        max(
            [abs(row.change) + row.noise for row in rows] + [row.tolerance for row in rows] + [0.01]
        )
        * 1.1
    )
    height = _ROW_HEIGHT * (len(rows) + 2)
    width = _LABEL_WIDTH + _PLOT_WIDTH + 20
    middle = _LABEL_WIDTH + _PLOT_WIDTH / 2
    scale = _PLOT_WIDTH / 2 / reach
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            ' font-size="12">'
        ),
        "<title>Change of accuracy against the baseline</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, row in enumerate(rows):
        y = _ROW_HEIGHT * (index + 1)
        parts += _row(row, y, middle, scale)
    parts.append(f'<line x1="{middle}" x2="{middle}" y1="8" y2="{height - 28}" stroke="#555"/>')
    for value in (-reach, 0.0, reach):
        x = middle + value * scale
        parts.append(
            f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle">{value:+.3f}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(row: DriftRow, y: float, middle: float, scale: float) -> list[str]:
    band = row.tolerance * scale
    x = middle + row.change * scale
    noise = row.noise * scale
    colour = _COLOURS[row.level]
    return [
        f'<text x="8" y="{y + 4}">{escape(row.name[:32])}</text>',
        (
            f'<rect x="{middle - band:.1f}" y="{y - 8}" width="{2 * band:.1f}" height="16"'
            ' fill="#e8eef4"/>'
        ),
        f'<line x1="{x - noise:.1f}" x2="{x + noise:.1f}" y1="{y}" y2="{y}" stroke="{colour}"/>',
        (
            f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{colour}"><title>{row.change:+.4f}:'
            f" {escape(row.why)}</title></circle>"
        ),
    ]
