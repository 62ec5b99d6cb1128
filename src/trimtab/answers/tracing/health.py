"""Health of the tracing backend, for ``/health``."""

from trimtab.answers.tracing.exporter import SpanExporter
from trimtab.kernel.health import ComponentHealth, Health, Status


def register(health: Health, exporter: SpanExporter) -> None:
    """Add the component ``langfuse`` where a tracing backend is configured.

    It is never down: traces wait on disk, and answers need none of it.
    """
    if exporter.is_configured:
        health.register("langfuse", lambda: _of(exporter))


def _of(exporter: SpanExporter) -> ComponentHealth:
    last = exporter.last
    facts: dict[str, object] = {"waiting": last.waiting, "sent": last.sent}
    if last.error:
        return ComponentHealth(Status.DEGRADED, last.error, facts=facts)
    return ComponentHealth(Status.UP, facts=facts)
