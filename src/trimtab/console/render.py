"""Renders templates and Markdown, and formats numbers and times."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from trimtab import __version__
from trimtab.infra.auth import Principal, Role
from trimtab.infra.web import signed_in

_NONE = "\N{EN DASH}"
_FOLDER = Path(__file__).parent
# No HTML from documents and runbooks: what they hold is text, whatever it looks like.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
_NOBODY = Principal("", Role.READER)
"""Stands for a caller without access, on pages that need none."""
_CODE = re.compile(r"`([^`\n]+)`")
_ROLES = ("evidence", "fix", "verify", "drill")


def page(
    request: Request, template: str, values: Mapping[str, object], *, status: int = 200
) -> HTMLResponse:
    """Return a rendered page for the request's caller."""
    return HTMLResponse(render(template, {**_common(request), **values}), status)


def render(template: str, values: Mapping[str, object]) -> str:
    """Return a rendered template."""
    return _environment.get_template(template).render(values)


def _common(request: Request) -> dict[str, object]:
    principal = signed_in(request) or _NOBODY
    return {
        "who": principal,
        "may_review": principal.role.includes(Role.REVIEWER),
        "may_operate": principal.role.includes(Role.OPERATOR),
        "may_administer": principal.role.includes(Role.ADMIN),
        "path": request.scope["path"],
        "version": __version__,
    }


def markdown(text: str) -> Markup:
    """Return the Markdown as HTML; HTML in it is escaped."""
    tokens = _markdown.parse(text)
    for token in tokens:
        # The content security policy refuses styles in the page; alignment comes from a class.
        if style := token.attrs.pop("style", ""):
            token.attrs["class"] = str(style).replace("text-align:", "align-")
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return Markup(html)  # noqa: S704 - html=False escapes it.


def _fence(_renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    """Render a code block; blocks that the service reads get a label."""
    token = tokens[index]
    words_of_info = token.info.split()
    role = next((word for word in words_of_info if word in _ROLES), "")
    label = f"<figcaption>{role}</figcaption>" if role else ""
    code = f"<pre><code>{escape(token.content)}</code></pre>"
    return f'<figure class="block {role}">{label}{code}</figure>\n'


_markdown.add_render_rule("fence", _fence)


def number(value: float | None) -> str:
    """Return the value with about three significant digits; a dash without a value."""
    if value is None or not math.isfinite(value):
        return _NONE
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if size >= 100 else f"{value:.3g}"


def duration(value: timedelta | float | None) -> str:
    """Return a duration in its two largest units, such as ``4 min 10 s``."""
    if value is None:
        return _NONE
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h"


def clock_time(value: datetime | None) -> str:
    """Return the time of day in UTC."""
    return _NONE if value is None else f"{value:%H:%M:%S}"


def day_time(value: datetime | None) -> str:
    """Return the day and the time in UTC."""
    return _NONE if value is None else f"{value:%Y-%m-%d %H:%M}"


def size(value: int) -> str:
    """Return a number of bytes in its largest fitting unit, such as ``2.4 MB``."""
    if value < 1000:
        return f"{value} B"
    amount = float(value)
    for unit in ("kB", "MB"):
        amount /= 1000
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
    return f"{amount / 1000:.3g} GB"


def facts(found: Mapping[str, object]) -> str:
    """Return facts about a component as text, such as ``free 69.5 GB · used 36 %``."""
    return " · ".join(filter(None, (_fact(name, value) for name, value in found.items())))


def _fact(name: str, value: object) -> str:
    if isinstance(value, bool):
        return words(name) if value else f"not {words(name)}"
    if value is None or value in ("", {}, [], ()):
        return ""
    if isinstance(value, int | float):
        if name.endswith("_bytes"):
            return f"{words(name.removesuffix('_bytes'))} {size(round(value))}"
        if name.endswith("_ratio"):
            return f"{words(name.removesuffix('_ratio'))} {value:.0%}".replace("%", " %")
        return f"{words(name)} {number(value)}"
    return f"{words(name)} {value}"


def code(text: str) -> Markup:
    """Return the escaped text, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before.


def excerpt(text: str, characters: int) -> str:
    """Return the beginning of a text, cut between words and never inside code."""
    if len(text) <= characters:
        return text
    cut = text[:characters].rpartition(" ")[0]
    if cut.count("`") % 2:
        cut = cut[: cut.rindex("`")]
    return f"{cut.rstrip()}..."


def words(name: object) -> str:
    """Return a name in snake case as words."""
    return str(name).replace("_", " ")


def asset(name: str) -> str:
    """Return the address of a static file; it changes with the file's content."""
    digest = _digests.get(name)
    if digest is None:
        digest = sha256((_FOLDER / "static" / name).read_bytes()).hexdigest()[:12]
        _digests[name] = digest
    return f"/console/static/{name}?v={digest}"


_digests: dict[str, str] = {}
_environment = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "code": code,
    "excerpt": excerpt,
    "facts": facts,
    "markdown": markdown,
    "number": number,
    "duration": duration,
    "clock_time": clock_time,
    "day_time": day_time,
    "words": words,
    "size": size,
}
_environment.globals["asset"] = asset
