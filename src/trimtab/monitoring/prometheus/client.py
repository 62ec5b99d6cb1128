"""Client of the query API of a Prometheus server, with limits on time and size."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from trimtab.infra.dependencies import Dependencies, DependencyUnavailable
from trimtab.kernel.errors import Unavailable
from trimtab.monitoring.errors import EvaluationFailed, ExpressionRefused
from trimtab.monitoring.labels import METRIC_NAME

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 20 * 1024 * 1024
MAX_POINTS = 11_000
"""Points of one series; Prometheus refuses more."""


class PrometheusUnavailable(Unavailable):
    """The Prometheus server did not give a usable answer."""

    code = "monitoring.prometheus_unavailable"
    default_hint = 'Check `monitor.prometheus_url` and the server; checks say "cannot tell".'


@dataclass(frozen=True, slots=True)
class Sampled:
    """One element of an instant query."""

    labels: Mapping[str, str]
    """With the metric's name under ``__name__``."""
    value: float


@dataclass(frozen=True, slots=True)
class RangeSeries:
    """One series of a range query."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    """Seconds since 1970 and value, in order; missing steps are missing."""

    @property
    def name(self) -> str:
        """Return the metric's name with its labels, for people."""
        inner = ",".join(
            f'{name}="{value}"' for name, value in self.labels.items() if name != METRIC_NAME
        )
        return (
            f"{self.labels.get(METRIC_NAME, '')}{{{inner}}}"
            if inner
            else self.labels.get(METRIC_NAME, "{}")
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """Elements of a query, and what the server has said about its completeness."""

    elements: tuple[Sampled, ...]
    warnings: tuple[str, ...] = ()
    """Such as a store that did not answer: then the elements are only a part."""


@dataclass(frozen=True, slots=True)
class AnsweredRange:
    """Series of a range query, and what the server has said about their completeness."""

    series: tuple[RangeSeries, ...]
    warnings: tuple[str, ...] = ()


class PrometheusClient:
    """Asks one server.

    Args:
        url: Of the server, with its path prefix if it has one.
        timeout_seconds: Limit of one query, also sent to the server.
        token: Bearer token; empty for none.
        transport: Of the HTTP client; tests give their own.
        dependencies: Circuit breakers of the process; None sends every query.
    """

    def __init__(
        self,
        url: str,
        timeout_seconds: float = 5.0,
        token: str = "",
        transport: "httpx.BaseTransport | None" = None,
        dependencies: Dependencies | None = None,
    ) -> None:
        self._dependencies = dependencies
        self._url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._token = token
        self._transport = transport
        self._http: httpx.Client | None = None

    def query(self, expression: str, at: datetime) -> Answered:
        """Evaluate an expression at an instant.

        Raises:
            ExpressionRefused: The server does not accept it.
            EvaluationFailed: The samples do not allow it.
            PrometheusUnavailable: There is no usable answer in time.
        """
        given = {"query": expression, "time": f"{at.timestamp():.3f}"}
        document, warnings = self._ask("query", expression, given)
        kind, result = document.get("resultType"), document.get("result")
        if kind == "scalar" and isinstance(result, list):
            return Answered((Sampled({}, _number(result)),), warnings)
        if kind != "vector" or not isinstance(result, list):
            raise PrometheusUnavailable(f"Prometheus answered with {str(kind)[:20]!r}.")
        elements = tuple(Sampled(_labels(each), _number(each.get("value"))) for each in result)
        return Answered(elements, warnings)

    def query_range(
        self, expression: str, start: datetime, end: datetime, step_seconds: float
    ) -> AnsweredRange:
        """Evaluate an expression at each step of a range; raises as `query` does."""
        points = (end - start).total_seconds() / step_seconds
        if points > MAX_POINTS:
            step_seconds = (end - start).total_seconds() / MAX_POINTS
        given = {
            "query": expression,
            "start": f"{start.timestamp():.3f}",
            "end": f"{end.timestamp():.3f}",
            "step": f"{step_seconds:.3f}",
        }
        document, warnings = self._ask("query_range", expression, given)
        result = document.get("result")
        if document.get("resultType") != "matrix" or not isinstance(result, list):
            raise PrometheusUnavailable("Prometheus answered a range query without a matrix.")
        series = tuple(
            RangeSeries(
                _labels(each),
                tuple((float(point[0]), _number(point)) for point in each.get("values", ())),
            )
            for each in result
        )
        return AnsweredRange(series, warnings)

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()

    def _ask(
        self, what: str, expression: str, given: Mapping[str, str]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        body = {**given, "timeout": f"{self._timeout:g}s"}
        status, content = self._guarded_post(f"{self._url}/api/v1/{what}", body)
        document = _json(content)
        if document is None:
            raise PrometheusUnavailable(
                f"Prometheus answered {status} with something other than a JSON object."
            )
        if document.get("status") != "success":
            raise _refusal(document, expression, status)
        data = document.get("data")
        if not isinstance(data, Mapping):
            raise PrometheusUnavailable("Prometheus answered without data.")
        listed = document.get("warnings") or ()
        warnings = tuple(str(each)[:300] for each in listed) if isinstance(listed, list) else ()
        return data, warnings

    def _guarded_post(self, url: str, body: Mapping[str, str]) -> tuple[int, bytes]:
        if self._dependencies is None:
            return self._post(url, body)
        try:
            return self._dependencies.call(
                "prometheus", lambda: self._post(url, body), PrometheusUnavailable
            )
        except DependencyUnavailable as error:
            raise PrometheusUnavailable(error.message) from error

    def _post(self, url: str, body: Mapping[str, str]) -> tuple[int, bytes]:
        import httpx

        if self._http is None:
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            self._http = httpx.Client(
                timeout=self._timeout, headers=headers, transport=self._transport
            )
        try:
            with self._http.stream("POST", url, data=dict(body)) as answer:
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > MAX_BYTES:
                        raise PrometheusUnavailable(
                            f"The answer of Prometheus is larger than {MAX_BYTES >> 20} MB."
                        )
                return answer.status_code, content
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PrometheusUnavailable(
                f"Prometheus did not answer: {type(error).__name__}."
            ) from error


def _json(content: bytes) -> Mapping[str, Any] | None:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _refusal(
    document: Mapping[str, Any], expression: str, status: int
) -> ExpressionRefused | EvaluationFailed | PrometheusUnavailable:
    kind, reason = document.get("errorType"), str(document.get("error", "no reason"))[:300]
    if kind == "bad_data":
        return ExpressionRefused(expression, reason)
    if kind == "execution":
        return EvaluationFailed(f"Prometheus cannot evaluate it: {reason}.")
    return PrometheusUnavailable(f"Prometheus answered {status}: {reason}.")


def _labels(element: Any) -> dict[str, str]:
    given = element.get("metric") if isinstance(element, Mapping) else None
    if not isinstance(given, Mapping):
        raise PrometheusUnavailable("Prometheus answered with an element without labels.")
    return {str(name): str(value) for name, value in given.items()}


def _number(point: Any) -> float:
    try:
        return float(point[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return math.nan
