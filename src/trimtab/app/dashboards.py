"""Grafana dashboards over the signals of the catalog.

``make dashboards`` writes them to `deploy/grafana/dashboards`; a test runs every query on a real
Prometheus that has scraped the service.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from trimtab.kernel.operable import Catalog

FOLDER = Path("deploy") / "grafana" / "dashboards"
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION = 39
"""Of Grafana 10.1; later releases migrate it when they load it."""
_SIGNAL = re.compile(r"\{\{(?P<name>[a-z0-9_.]+)\}\}")
_ROW_HEIGHT, _HEIGHT, _WIDTH, _COLUMNS = 1, 8, 8, 24


@dataclass(frozen=True, slots=True)
class Panel:
    """Title, queries and unit of one graph.

    Attributes:
        title: Shown above it.
        queries: Expression and legend of each line; ``{{signal}}`` in an expression is the metric
            of that signal of the catalog.
        unit: As Grafana names it, such as ``s`` or ``percentunit``.
        description: What to look for.
    """

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Rows of panels under one address, ``/d/<uid>``."""

    uid: str
    title: str
    rows: Mapping[str, tuple[Panel, ...]]


_OVERVIEW = Dashboard(
    "knowledgebeast-overview",
    "Knowledge: overview",
    {
        "Search": (
            Panel(
                "Query Latency (P50, P95, P99)",
                (
                    ("{{knowledge.search.p50_latency}}", "P50"),
                    ("{{knowledge.search.p95_latency}}", "P95"),
                    ("{{knowledge.search.p99_latency}}", "P99"),
                ),
                "s",
                "P99 above 0.5 s is an incident (KnowledgeHighLatency).",
            ),
            Panel(
                "Cache Hit Ratio",
                (
                    ("{{knowledge.cache.hit_ratio}}", "queries"),
                    ("{{knowledge.embedding.cache_hit_ratio}}", "vectors"),
                ),
                "percentunit",
                "Below 0.9, 0.7, 0.5 and 0.3 the alerts grow more severe.",
            ),
            Panel(
                "ChromaDB Response Time",
                (
                    ("{{knowledge.index.p95_seconds}}", "P95 of the index"),
                    ("{{knowledge.engine.p95_seconds}}", "P95 of {{engine}}"),
                ),
                "s",
                "Of the vector store, embedded or a server.",
            ),
            Panel(
                "Errors and refusals",
                (
                    ("{{knowledge.search.error_rate}}", "errors"),
                    ("{{knowledge.search.refused_rate}}", "refused"),
                    ("{{knowledge.search.degraded_ratio}}", "keywords only"),
                ),
                "percentunit",
            ),
            Panel("Embedding time (P95)", (("{{knowledge.embedding.p95_seconds}}", "P95"),), "s"),
            Panel(
                "Components",
                (("{{knowledge.component.up}}", "{{component}}"),),
                description="1 is up, 0 is down; a component without samples is unknown.",
            ),
        ),
        "Documents and storage": (
            Panel(
                "Documents",
                (
                    ("sum({{knowledge.documents.ready}})", "ready"),
                    ("sum({{knowledge.documents.queued}})", "queued"),
                    ("sum({{knowledge.documents.dead}})", "given up"),
                ),
            ),
            Panel(
                "Disk",
                (("{{knowledge.disk.used_ratio}}", "used share"),),
                "percentunit",
                "Above 0.8 is an alert, above 0.9 an incident.",
            ),
            Panel(
                "Memory and processors",
                (
                    ("{{knowledge.memory.used_ratio}}", "memory"),
                    ("{{service.cpu_ratio}}", "processors"),
                ),
                "percentunit",
            ),
            Panel(
                "Memory of the process",
                (("{{knowledge.memory.resident}}", "resident"),),
                "decmbytes",
            ),
            Panel("Caches", (("{{knowledge.cache.memory}}", "held"),), "decmbytes"),
            Panel("Age of the newest backup", (("{{knowledge.backup.age}}", "age"),), "s"),
        ),
    },
)
_ANSWERS = Dashboard(
    "trimtab-answers",
    "Answers: five rows",
    {
        "1. Health": (
            Panel(
                "Requests",
                (("sum by (status) (rate(http_requests_total[5m]))", "{{status}}"),),
                "reqps",
            ),
            Panel(
                "Server errors",
                (
                    (
                        'sum(rate(http_requests_total{status=~"5.."}[5m])) or vector(0)',
                        "5xx a second",
                    ),
                    ("{{answers.error_ratio}}", "share of questions"),
                ),
                description="Keep the share below 1 %.",
            ),
            Panel(
                "Response time",
                (
                    ('http_request_duration_seconds{quantile="0.95"}', "P95"),
                    ('http_request_duration_seconds{quantile="0.99"}', "P99"),
                ),
                "s",
                "Keep P95 below 0.5 s.",
            ),
        ),
        "2. Safety": (
            Panel(
                "Injections and other blocks",
                (("sum by (guard) (increase({{guardrails.blocks}}[5m]))", "{{guard}}"),),
                description="A spike of `injection` is an attack, or a rule that is too strict.",
            ),
            Panel("Withheld answers", (("{{answers.blocked_rate}}", "share"),), "percentunit"),
            Panel(
                "Duration of guards (P95)",
                (("{{guardrails.processing.duration}}", "{{guard}}"),),
                "s",
            ),
        ),
        "3. Retrieval": (
            Panel(
                "Cosine similarity (P50)",
                (
                    ("{{answers.similarity.p50}}", "median"),
                    ("{{answers.similarity.ratio}}", "over its baseline"),
                ),
                description="Within 10 % of the baseline is normal.",
            ),
            Panel(
                "Nothing found",
                (
                    ("{{answers.empty_rate}}", "no passage"),
                    ("{{answers.not_found_rate}}", "not found"),
                ),
                "percentunit",
            ),
            Panel("Contradictions", (("{{answers.contradictions}}", "statements"),)),
        ),
        "4. Generation": (
            Panel(
                "Grounding",
                (
                    ("{{answers.grounding_p50}}", "median"),
                    ("{{answers.grounding_p10}}", "one in ten"),
                ),
                "percentunit",
                "Keep the median above 0.85.",
            ),
            Panel(
                "Hallucination rate",
                (("{{answers.hallucination_rate}}", "share of found answers"),),
                "percentunit",
            ),
            Panel("Duration of answers (P95)", (("{{answers.duration.p95}}", "P95"),), "ms"),
        ),
        "5. Feedback and people": (
            Panel(
                "Feedback",
                (
                    ("{{answers.feedback_rate}}", "thumbs an answer"),
                    ("{{answers.helpful_rate}}", "thumbs up"),
                ),
                "percentunit",
            ),
            Panel(
                "Annotation backlog",
                (("{{review.depth}}", "{{queue}}"),),
                description="Above 100 is an alert.",
            ),
            Panel("Oldest open item", (("{{review.oldest_seconds}}", "{{queue}}"),), "s"),
        ),
    },
)
_PLATFORM = Dashboard(
    "trimtab-platform",
    "Platform: indicators, models and incidents",
    {
        "Indicators": (
            Panel(
                "P95 and P99 latency",
                (
                    ('http_request_duration_seconds{quantile="0.95"}', "P95"),
                    ('http_request_duration_seconds{quantile="0.99"}', "P99"),
                ),
                "s",
            ),
            Panel("Components", (("{{knowledge.component.up}}", "{{component}}"),)),
            Panel(
                "Processors and memory",
                (
                    ("{{service.cpu_ratio}}", "processors"),
                    ("{{knowledge.memory.used_ratio}}", "memory"),
                ),
                "percentunit",
                "Keep both below 0.9.",
            ),
        ),
        "Models": (
            Panel("Model availability", (("{{models.up}}", "{{model}}"),)),
            Panel(
                "Drift (PSI)",
                (
                    ("{{models.drift.score}}", "{{model}}"),
                    ("{{models.drift.p1_threshold}}", "critical above"),
                ),
            ),
            Panel("Failures", (("rate({{models.failures}}[5m])", "{{model}}"),), "reqps"),
        ),
        "Incidents": (
            Panel("Open incidents", (("sum by (severity) ({{incidents.open}})", "{{severity}}"),)),
            Panel("Alerts", (("{{rules.alerts}}", "{{state}}"),)),
            Panel(
                "Undelivered messages",
                (("{{notify.undelivered}}", "waiting"), ("{{notify.dead_letters}}", "given up")),
            ),
        ),
    },
)
DASHBOARDS = (_OVERVIEW, _ANSWERS, _PLATFORM)


def document(dashboard: Dashboard, catalog: Catalog) -> dict[str, Any]:
    """Return a dashboard as Grafana loads it.

    Raises:
        UnknownName: A query names a signal that the catalog does not have.
    """
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["trimtab"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": list(_panels(dashboard, catalog)),
    }


def _panels(dashboard: Dashboard, catalog: Catalog) -> Iterable[dict[str, Any]]:
    number, top = 1, 0
    for title, panels in dashboard.rows.items():
        place = {"h": _ROW_HEIGHT, "w": _COLUMNS, "x": 0, "y": top}
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        number, top = number + 1, top + _ROW_HEIGHT
        for at, panel in enumerate(panels):
            x, y = at * _WIDTH % _COLUMNS, top + at * _WIDTH // _COLUMNS * _HEIGHT
            place = {"h": _HEIGHT, "w": _WIDTH, "x": x, "y": y}
            yield {"id": number, "gridPos": place, **_graph(panel, catalog)}
            number += 1
        top += -(-len(panels) * _WIDTH // _COLUMNS) * _HEIGHT


def _graph(panel: Panel, catalog: Catalog) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + at),
            "datasource": DATA_SOURCE,
            "expr": _SIGNAL.sub(
                lambda found: catalog.signal(found["name"]).metric_name, expression
            ),
            "legendFormat": legend,
        }
        for at, (expression, legend) in enumerate(panel.queries)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": DATA_SOURCE,
        # A figure without samples is unknown: its line ends, and it is not drawn as 0.
        "fieldConfig": {"defaults": {"unit": panel.unit, "noValue": "N/A"}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
        "targets": targets,
    }


def write(catalog: Catalog, folder: Path) -> None:
    """Write every dashboard as a file of its uid."""
    folder.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        text = orjson.dumps(document(dashboard, catalog), option=orjson.OPT_INDENT_2)
        (folder / f"{dashboard.uid}.json").write_bytes(text + b"\n")


def main() -> None:
    """Write the dashboards of a fresh installation's catalog into the repository."""
    import tempfile

    from trimtab.app import build
    from trimtab.infra.settings import load

    with tempfile.TemporaryDirectory() as folder:
        app = build(load(None, {"service.data_dir": folder}))
        try:
            write(app.catalog, FOLDER)
        finally:
            app.close()
    sys.stderr.write(f"wrote {len(DASHBOARDS)} dashboards to {FOLDER}\n")


if __name__ == "__main__":
    main()
