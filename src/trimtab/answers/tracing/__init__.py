"""Traces as OpenTelemetry spans, sent to any OTLP backend; kept here until it has them."""

from trimtab.answers.tracing.exporter import ExportRun, SpanExporter, TraceQueue

__all__ = ["ExportRun", "SpanExporter", "TraceQueue"]
