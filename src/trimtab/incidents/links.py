"""Links from an incident to the team's tools, with its time range."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from trimtab.incidents.model import Incident
from trimtab.infra.settings.sections.tools import ToolsSettings
from trimtab.monitoring.labels import quoted

_BEFORE, _AFTER = timedelta(minutes=30), timedelta(minutes=10)
_DASHBOARDS = {"KB": "knowledgebeast-overview", "ENT": "trimtab-answers"}
_PLATFORM = "trimtab-platform"


@dataclass(frozen=True, slots=True)
class ToolLink:
    """A page of a tool that shows the time of an incident."""

    tool: str
    """``Grafana``, ``Prometheus``, ``Jaeger`` or ``Sentry``."""
    url: str


def tool_links(incident: Incident, tools: ToolsSettings, now: datetime) -> tuple[ToolLink, ...]:
    """Return a link for each tool whose address is set.

    The time is that of the episode, from half an hour before it to ten minutes after its end.
    """
    episode = incident.episode
    begin = episode.opened_at - _BEFORE
    end = min(now, (episode.resolved_at or now) + _AFTER)
    return tuple(ToolLink(tool, url) for tool, url in _links(incident, tools, begin, end))


def _links(
    incident: Incident, tools: ToolsSettings, begin: datetime, end: datetime
) -> Iterator[tuple[str, str]]:
    if tools.grafana_url:
        uid = _DASHBOARDS.get(incident.system, _PLATFORM)
        times = {"from": int(begin.timestamp() * 1000), "to": int(end.timestamp() * 1000)}
        yield "Grafana", f"{tools.grafana_url.rstrip('/')}/d/{uid}?{urlencode(times)}"
    if tools.prometheus_url:
        asked = {
            "g0.expr": f"ALERTS{{alertname={quoted(incident.alert.name)}}}",
            "g0.tab": "graph",
            "g0.range_input": f"{int((end - begin).total_seconds())}s",
            "g0.end_input": f"{end.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        }
        yield "Prometheus", f"{tools.prometheus_url.rstrip('/')}/graph?{urlencode(asked)}"
    if tools.jaeger_url:
        asked = {
            "service": "trimtab",
            "lookback": "custom",
            "start": str(int(begin.timestamp() * 1e6)),
            "end": str(int(end.timestamp() * 1e6)),
        }
        yield "Jaeger", f"{tools.jaeger_url.rstrip('/')}/search?{urlencode(asked)}"
    if tools.sentry_url:
        asked = {
            "start": f"{begin.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
            "end": f"{end.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
            "utc": "true",
        }
        mark = "&" if "?" in tools.sentry_url else "?"
        yield "Sentry", f"{tools.sentry_url}{mark}{urlencode(asked)}"
