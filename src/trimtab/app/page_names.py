"""Gathers everything that a runbook page may name in prose."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute, Mount

from trimtab.api.http import HttpMetrics
from trimtab.app.http_apps import HttpApps
from trimtab.infra.settings import Settings, rows
from trimtab.infra.shipped import shipped
from trimtab.kernel.operable import Catalog
from trimtab.monitoring.signals import metric_names
from trimtab.runbooks.claims import KnownNames

_METRICS_OF_OURS = ("kb_", "knowledge_", "answers_", "gates_", "guardrail_", "http_", "models_")
_WRITTEN = frozenset(
    [
        "heap_dump.txt",
        "memory_profile.txt",
        "trimtab.toml",
        "drift.md",
        "gates.yaml",
        "benchmark_report.json",
        "reproducibility.json",
        "provenance.dsse.json",
        "sbom.cdx.json",
        "approval.dsse.json",
        "change.json",
        "rules.yaml",
        "manifest.sha256",
    ]
)
"""What the program writes into the data directory, or a person hands to it."""
_OTHER_NAMES = frozenset(
    {
        "service.started",
        "service.stopped",
        "components.embedding_model",
        "components.chromadb",
    }
)
"""Dotted names that are not in a catalog: events, and fields of the health."""
_OTHER_VARIABLES = frozenset({"MEMORY_PROFILE"})
"""Words of the log that look like a variable."""
_NAME_IN_MANUAL = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+)`")


def known_names(
    catalog: Catalog,
    registry: CollectorRegistry,
    http_apps: HttpApps,
    commands: Mapping[str, frozenset[str]] | None = None,
) -> KnownNames:
    """Return the names that exist in this service.

    Args:
        catalog: Signals, actions and faults.
        registry: Metrics.
        http_apps: Routes.
        commands: Each command of the command line with its options; None leaves commands unchecked.
    """
    settings = list(rows(Settings))
    metrics = metric_names(registry, catalog.signals.values()) | set(HttpMetrics.NAMES)
    metrics |= {f"{name}{end}" for name in metrics for end in ("_bucket", "_sum", "_count")}
    apps = (http_apps.api, http_apps.console, http_apps.faults)
    return KnownNames(
        commands=commands or {},
        names=frozenset(
            {*catalog.signals, *catalog.actions, *catalog.faults, *_OTHER_NAMES, *_in_manual()}
            | {row.name for row in settings}
        ),
        metrics=frozenset(metrics),
        metric_prefixes=_METRICS_OF_OURS,
        variables=frozenset({v for row in settings for v in row.env} | _OTHER_VARIABLES),
        routes=tuple({path for app in apps for path in _routes(app.routes)}),
        targets=_make_targets(),
        has_file=_has_file,
    )


def _in_manual() -> Iterator[str]:
    """Yield the error codes, and what a policy of the gates may set, as the manual lists them."""
    for name in ("errors.md", "gates.md", "gates/policy.md"):
        yield from _NAME_IN_MANUAL.findall((shipped("docs") / name).read_text(encoding="utf-8"))


def _routes(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    for route in routes:
        path = prefix + getattr(route, "path", "")
        if path.startswith("/"):
            yield path
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from _routes(route.app.routes, path)


def _make_targets() -> frozenset[str] | None:
    """Return the targets of the checkout's make file, or None in an installed package."""
    file = shipped("docs").parent / "Makefile"
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def _has_file(path: str) -> bool:
    relative = path.removeprefix("/").removeprefix("./")
    docs = shipped("docs")
    package = Path(__file__).parent.parent
    folders = (docs.parent, docs, shipped("library"), package)
    return Path(relative).name in _WRITTEN or any(
        (folder / relative).exists() for folder in folders
    )
