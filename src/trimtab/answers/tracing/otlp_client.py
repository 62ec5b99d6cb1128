"""HTTP client of an OTLP backend."""

import logging
from collections.abc import Mapping, Sequence

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from trimtab.answers.records import Trace
from trimtab.answers.tracing.spans import spans

_log = logging.getLogger(__name__)


class OtlpClient:
    """Posts batches of traces.

    Args:
        headers: Such as the backend's key.
        timeout_seconds: The longest wait for the backend.
    """

    def __init__(self, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self._client = httpx.Client(
            headers={**headers, "Content-Type": "application/x-protobuf"}, timeout=timeout_seconds
        )

    def send(self, endpoint: str, batch: Sequence[Trace]) -> str:
        """Return an empty text on success, ``refused`` for a bad batch, else the reason."""
        body = encode_spans([span for trace in batch for span in spans(trace)]).SerializeToString()
        try:
            response = self._client.post(endpoint.rstrip("/") + "/v1/traces", content=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"The tracing backend does not answer: {type(error).__name__}."
        if response.status_code in {400, 413, 422}:
            return "refused"
        if not response.is_success:
            return f"The tracing backend answered {response.status_code}."
        _note_partial(response.content)
        return ""

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _note_partial(body: bytes) -> None:
    """Log what the backend dropped of a batch that it took; OTLP forbids to send that again."""
    try:
        rejected = ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans
    except DecodeError:
        return  # Some backends answer with JSON or nothing; the status has said enough.
    if rejected:
        _log.warning("spans dropped by the tracing backend", extra={"spans": rejected})
