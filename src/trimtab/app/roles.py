"""Roles of a process: which modules it starts, and which requests it refuses.

Every process has every module and every route, so that commands, permissions and the catalog are
the same everywhere. A role decides what is loaded at the start and which loops run. A request whose
work is not loaded is refused with the role that has it: answering it without an embedding model or
an index would be a worse answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.types import Scope

from trimtab.kernel.errors import Misconfigured, Unavailable


class ProcessRole(StrEnum):
    """The work that a process does."""

    ALL = "all"
    GATEWAY = "gateway"
    ANSWERS = "answers"
    KNOWLEDGE = "knowledge"
    EMBEDDING = "embedding"
    GUARDRAILS = "guardrails"
    MODELS = "models"
    REVIEW = "review"
    WORKER = "worker"
    NOTIFICATIONS = "notifications"
    OPERATOR = "operator"


class RoleUnknown(Misconfigured):
    """`service.roles` names a role that does not exist."""

    code = "service.role_unknown"


class RoleMissing(Unavailable):
    """A request needs work that this process has not loaded."""

    code = "service.role_missing"


_OPERATOR = frozenset({ProcessRole.OPERATOR})
_STARTED_BY: Mapping[str, frozenset[ProcessRole]] = {
    "knowledge": frozenset({ProcessRole.KNOWLEDGE, ProcessRole.ANSWERS}),
    "embedding": frozenset({ProcessRole.EMBEDDING, ProcessRole.MODELS}),
    "answers": frozenset({ProcessRole.ANSWERS}),
    "answers tracing": frozenset({ProcessRole.ANSWERS, ProcessRole.WORKER}),
    "evaluation": frozenset({ProcessRole.ANSWERS}),
    "contradictions": frozenset({ProcessRole.KNOWLEDGE}),
    "handbook": frozenset({ProcessRole.KNOWLEDGE}),
    "models": frozenset({ProcessRole.MODELS}),
    "model_monitoring": frozenset({ProcessRole.MODELS}),
    "review": frozenset({ProcessRole.REVIEW, ProcessRole.WORKER}),
    "notifications": frozenset({ProcessRole.NOTIFICATIONS}),
    "notify delivery": frozenset({ProcessRole.NOTIFICATIONS}),
    "gates": _OPERATOR,
    "audit": _OPERATOR,
    "calendar": _OPERATOR,
    "usage_forecast": _OPERATOR,
    "incidents": _OPERATOR,
    "alert intake": _OPERATOR,
    "monitoring": _OPERATOR,
    "monitor": _OPERATOR,
    "response_history": _OPERATOR,
    "postgresql": _OPERATOR,
    "providers": _OPERATOR,
}
"""Modules that only some roles start; every role starts the others."""

_COMPONENTS = {"embedding_model": frozenset({"knowledge", "embedding"})}
"""Components of ``/health`` that more modules than the one that registers them load."""


@dataclass(frozen=True, slots=True)
class Work:
    """Requests that a process answers only if it has started one of the modules."""

    module: str
    prefixes: tuple[str, ...]
    methods: frozenset[str]


_WRITES = frozenset({"POST", "PUT", "DELETE"})
_ANY = _WRITES | {"GET", "HEAD"}
_WORK = (
    Work("answers", ("/v1/answers", "/openai/v1/chat/"), frozenset({"POST"})),
    Work("answers", ("/api/v1/query",), _ANY),
    Work("knowledge", ("/api/v1/search/", "/api/v1/heartbeat", "/healthz", "/collections/"), _ANY),
    Work(
        "knowledge",
        ("/api/v1/ingest", "/api/v1/projects", "/api/v1/cache/", "/v1/knowledge/"),
        _WRITES,
    ),
    Work("models", ("/v1/analyze",), frozenset({"POST"})),
)
_PREDICTIONS = ("/predict", "/infer")


class Roles:
    """The roles of one process.

    Args:
        names: As in `service.roles`.

    Raises:
        RoleUnknown: A name is none of the roles, or there is no name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        known = {str(role) for role in ProcessRole}
        given = tuple(names)
        if unknown := [name for name in given if name not in known]:
            raise RoleUnknown(
                f"`service.roles`: {unknown[0]!r} is not a role.",
                hint=f"Choose from: {', '.join(sorted(known))}.",
            )
        if not given:
            raise RoleUnknown("`service.roles` names no role.", hint="Write `all`.")
        self.names = frozenset(ProcessRole(name) for name in given)

    def starts(self, module: str) -> bool:
        """Return whether a process with these roles starts the module."""
        if ProcessRole.ALL in self.names:
            return True
        roles = _STARTED_BY.get(module)
        return roles is None or bool(roles & self.names)

    def shows(self, component: str, module: str) -> bool:
        """Return whether ``/health`` of such a process has a component that the module made."""
        return any(self.starts(name) for name in _COMPONENTS.get(component, {module}))

    def refuse(self, scope: Scope) -> RoleMissing | None:
        """Return why such a process refuses a request, or None."""
        if ProcessRole.ALL in self.names:
            return None
        module = _needed(scope["method"], scope["path"])
        if module is None or self.starts(module):
            return None
        by = sorted(_STARTED_BY[module])
        return RoleMissing(
            f"This process has the roles {', '.join(sorted(self.names))}; none does this work.",
            hint=f"Send the request to a process with the role {' or '.join(by)}.",
        )


def _needed(method: str, path: str) -> str | None:
    """Return the module that the request needs; None when every process can answer it."""
    for work in _WORK:
        if method in work.methods and path.startswith(work.prefixes):
            return work.module
    is_prediction = method == "POST" and path.endswith(_PREDICTIONS)
    return "models" if is_prediction and path.startswith(("/v1/models/", "/v2/models/")) else None
