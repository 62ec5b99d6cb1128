"""Renders HTML tables row by row; tables for layout are left to the caller."""

from collections.abc import Callable

from selectolax.lexbor import LexborNode

from trimtab.extraction.tables import render_table

_LONGEST_CELL = 600
_MAX_SPAN = 50
_ARRANGES = "table, h1, h2, h3, h4, pre, ul, ol, dl"


def render_html_table(table: LexborNode, inner: Callable[[LexborNode], str]) -> str | None:
    """Return the rows with their header, or None when the table only arranges the page.

    Args:
        table: The element.
        inner: Returns the text of a cell.
    """
    if any(node.mem_id != table.mem_id for node in table.css(_ARRANGES)):
        return None
    rows = [node for node in table.css("tr") if node.css_first("td, th") is not None]
    grid: list[list[str]] = []
    heads: list[bool] = []
    held: dict[int, tuple[int, str]] = {}
    for row in rows:
        cells, only_heads = _row(row, inner, held)
        if any(len(cell) > _LONGEST_CELL for cell in cells):
            return None
        heads.append(only_heads)
        grid.append(cells)
    if not grid:
        return ""
    if max(len(row) for row in grid) < 2:
        return None
    caption = table.css_first("caption")
    title = " ".join(inner(caption).split()) if caption is not None else ""
    first = next((at for at, row in enumerate(grid) if len(set(row)) > 1), 0)
    body = render_table(grid, header=heads[first] and first + 1 < len(grid))
    return "\n\n".join(part for part in (title, body) if part)


def _row(
    row: LexborNode, inner: Callable[[LexborNode], str], held: dict[int, tuple[int, str]]
) -> tuple[list[str], bool]:
    """Return the cells with those that reach into the row, and whether all are header cells."""
    cells: list[str] = []
    only_heads = True

    def fill() -> None:
        while len(cells) in held:
            at = len(cells)
            left, text = held.pop(at)
            if left > 1:
                held[at] = (left - 1, text)
            cells.append(text)

    for node in row.css("td, th"):
        fill()
        text = " ".join(inner(node).split())
        only_heads = only_heads and (node.tag == "th" or not text or _is_bold(node, text))
        down = _span(node, "rowspan")
        for _ in range(_span(node, "colspan")):
            if down > 1:
                held[len(cells)] = (down - 1, text)
            cells.append(text)
    fill()
    return cells, only_heads


def _is_bold(node: LexborNode, text: str) -> bool:
    bold = node.css_first("b, strong")
    return bold is not None and len(" ".join(bold.text().split())) >= len(text)


def _span(node: LexborNode, name: str) -> int:
    stated = node.attributes.get(name) or ""
    return (
        min(max(int(stated), 1), _MAX_SPAN)
        if stated.isascii() and stated.isdigit() and len(stated) < 6
        else 1
    )
