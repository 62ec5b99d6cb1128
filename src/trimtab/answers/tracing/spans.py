"""A trace as OpenTelemetry spans, named by the GenAI semantic conventions.

See https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/. No span holds a question, a
passage, an answer or a user id: a tracing backend is one more place where personal data would have
to be erased.
"""

import hashlib
from collections.abc import Mapping, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from trimtab.answers.records import PipelineStage, Trace

_SCOPE = InstrumentationScope("trimtab.answers")
_NANOSECONDS = 1_000_000
Attribute = str | bool | int | float | Sequence[str]


def spans(trace: Trace, service: str = "trimtab") -> list[ReadableSpan]:
    """Return the answer's span and one for each stage, parent first.

    The ids are made from the trace's own, so a trace sent twice is the same trace at the backend.
    """
    resource = Resource({"service.name": service})
    end = int(trace.answer.created_at.timestamp() * 1e9)
    begin = end - int(trace.duration_ms * _NANOSECONDS)
    context = _context(trace.id, "answer")
    root = ReadableSpan(
        name=f"invoke_workflow {trace.answer.project}",
        context=context,
        resource=resource,
        attributes=_answer_attributes(trace),
        kind=SpanKind.SERVER,
        status=Status(StatusCode.OK),
        start_time=begin,
        end_time=end,
        instrumentation_scope=_SCOPE,
    )
    children, start = [], begin
    for number, stage in enumerate(trace.stages):
        stop = start + int(stage.duration_ms * _NANOSECONDS)
        children.append(
            ReadableSpan(
                name=_name(stage, trace),
                context=_context(trace.id, f"{number} {stage.name}"),
                parent=context,
                resource=resource,
                attributes=_stage_attributes(stage, trace),
                kind=SpanKind.CLIENT if stage.name == "generate" else SpanKind.INTERNAL,
                status=Status(StatusCode.UNSET),
                start_time=start,
                end_time=stop,
                instrumentation_scope=_SCOPE,
            )
        )
        start = stop
    return [root, *children]


def _context(trace_id: str, part: str) -> SpanContext:
    own = hashlib.sha256(trace_id.encode()).digest()[:16]
    span = hashlib.sha256(f"{trace_id} {part}".encode()).digest()[:8]
    return SpanContext(
        int.from_bytes(own),
        int.from_bytes(span),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _name(stage: PipelineStage, trace: Trace) -> str:
    match stage.name:
        case "generate":
            return f"chat {trace.answer.model}"
        case "retrieve":
            return f"retrieval {trace.answer.project}"
        case other:
            return other


def _answer_attributes(trace: Trace) -> dict[str, Attribute]:
    answer = trace.answer
    return {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "answers",
        "trimtab.trace_id": trace.id,
        "trimtab.answer_id": answer.id,
        "trimtab.project": answer.project,
        "trimtab.found": answer.found,
        "trimtab.blocked": answer.blocked,
        "trimtab.degraded_mode": answer.degraded_mode,
        "trimtab.confidence": answer.confidence,
        "trimtab.citations": len(answer.citations),
        "trimtab.cost_usd": trace.cost_usd,
        "trimtab.index_version": trace.index_version,
    }


def _stage_attributes(stage: PipelineStage, trace: Trace) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {"trimtab.stage.outcome": stage.outcome}
    match stage.name:
        case "generate":
            found |= {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "trimtab"
                if trace.answer.model == "extractive"
                else "openai",
                "gen_ai.request.model": trace.answer.model,
                "gen_ai.usage.input_tokens": trace.input_tokens,
                "gen_ai.usage.output_tokens": trace.output_tokens,
            }
        case "retrieve":
            found |= {
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": trace.answer.project,
                "gen_ai.request.top_k": trace.top_k,
            }
        case _:
            pass
    return found | _facts(stage.facts)


def _facts(facts: Mapping[str, object]) -> dict[str, Attribute]:
    return {
        f"trimtab.stage.{name}": value
        for name, value in facts.items()
        if isinstance(value, str | bool | int | float)
    }
