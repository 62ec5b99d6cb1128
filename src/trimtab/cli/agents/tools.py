"""Tools for agents: each is one call of the HTTP API, with that route's role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=4000)]
Incident = Annotated[str, Field(description="Id of an incident, such as INC-2026-0314.")]
_IN_PATH = frozenset({"project", "incident"})


class ToolArguments(BaseModel):
    """Arguments of a tool; one that is unknown is refused."""

    model_config = ConfigDict(extra="forbid")


class NoArguments(ToolArguments):
    """A tool without arguments."""


class SearchArguments(ToolArguments):
    """Query and project of a search."""

    project: str
    q: Annotated[str, Field(description="What to look for.")]
    top_k: Annotated[int, Field(ge=1, le=100)] = 5


class AskArguments(ToolArguments):
    """A question about the documents of a project."""

    project: str
    question: Annotated[str, Field(max_length=1000)]


class SignalArguments(ToolArguments):
    """Signals of the catalog."""

    name: Annotated[list[str], Field(description="Names; all signals when empty.")] = []
    incident: Annotated[str, Field(description="The incident that this is for, if any.")] = ""


class CheckArguments(ToolArguments):
    """A PromQL comparison."""

    expression: Annotated[str, Field(max_length=2000)]
    incident: Annotated[str, Field(description="The incident that this is for, if any.")] = ""


class ListArguments(ToolArguments):
    """Which incidents to list."""

    active: Annotated[bool, Field(description="Only open ones.")] = True
    limit: Annotated[int, Field(ge=1, le=1000)] = 20


class WordArguments(ToolArguments):
    """Words to search incidents with."""

    q: Annotated[str, Field(min_length=1, max_length=1000)]
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class IncidentArguments(ToolArguments):
    """The incident that is meant."""

    incident: Incident


class DeclareArguments(ToolArguments):
    """An incident that is new."""

    title: Annotated[str, Field(max_length=300)]
    severity: Literal["P0", "P1", "P2", "P3"] = "P2"
    component: str = ""
    description: Text = ""


class AcknowledgeArguments(IncidentArguments):
    """Duration in which no one is paged."""

    minutes: Annotated[float, Field(gt=0, le=1440)] | None = None


class AssignArguments(IncidentArguments):
    """The person who is responsible."""

    person: str


class NoteArguments(IncidentArguments):
    """A note for the journal."""

    text: Text


class SeverityArguments(IncidentArguments):
    """A severity and its reason."""

    severity: Literal["P0", "P1", "P2", "P3"]
    reason: Text = ""


class ResolveArguments(IncidentArguments):
    """A cause and a resolution."""

    cause: Annotated[str, Field(max_length=300)]
    resolution: Text


class FollowUpArguments(IncidentArguments):
    """Something to do afterwards."""

    text: Annotated[str, Field(max_length=300)]
    owner: str = ""


class ActArguments(ToolArguments):
    """An action of the catalog with its arguments."""

    action: str
    arguments: dict[str, str | int | float | bool] = {}


class ProposeArguments(IncidentArguments):
    """A plan that repairs an incident."""

    cause: Annotated[str, Field(max_length=300, description="The cause that it repairs.")]
    acts: Annotated[list[ActArguments], Field(min_length=1, max_length=10)]


class ApproveArguments(IncidentArguments):
    """A decision on a plan."""

    plan_hash: Annotated[str, Field(description="The hash of the plan that you have read.")]


class RejectArguments(ApproveArguments):
    """A decision against a plan."""

    reason: Text = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and the route that it calls."""

    name: str
    help: str
    method: Literal["GET", "POST"]
    path: str
    arguments: type[ToolArguments] = NoArguments
    reads: bool = field(default=False, kw_only=True)
    """Whether it only reads, also where it posts."""

    @property
    def read_only(self) -> bool:
        """Return whether the tool changes nothing but its record."""
        return self.reads or self.method == "GET"

    def call_of(self, given: ToolArguments) -> tuple[str, dict[str, Any]]:
        """Return the path, and the other arguments."""
        values = given.model_dump(exclude_none=True)
        path = self.path.format_map(_Quoted(values))
        return path, {
            name: value
            for name, value in values.items()
            if name not in _IN_PATH or (name == "project" and "{project}" not in self.path)
        }


class _Quoted(dict[str, Any]):
    """Values for a path, quoted so that none leaves its place."""

    def __getitem__(self, name: str) -> str:
        from urllib.parse import quote

        return quote(str(super().__getitem__(name)), safe="")


def _incident(
    name: str, text: str, end: str, arguments: type[ToolArguments], *, get: bool = False
) -> Tool:
    return Tool(name, text, "GET" if get else "POST", f"/v1/incidents/{{incident}}{end}", arguments)


_ALL = (
    Tool("list_projects", "List the projects.", "GET", "/api/v1/projects"),
    Tool(
        "search",
        "Find the passages of a project's documents that answer a query.",
        "GET",
        "/api/v1/search/{project}",
        SearchArguments,
    ),
    Tool(
        "ask",
        "Answer a question from a project's documents, every sentence with its citation.",
        "POST",
        "/v1/answers",
        AskArguments,
        reads=True,
    ),
    Tool("list_catalog", "List all signals and all actions with parameters.", "GET", "/v1/catalog"),
    Tool("read_signals", "Read signals now.", "GET", "/v1/signals", SignalArguments),
    Tool(
        "check",
        "Evaluate a PromQL comparison on trimtab's samples.",
        "POST",
        "/v1/check",
        CheckArguments,
        reads=True,
    ),
    Tool("list_alerts", "List the alerts that fire.", "GET", "/api/v2/alerts"),
    Tool(
        "list_incidents", "List incidents, the newest first.", "GET", "/v1/incidents", ListArguments
    ),
    _incident(
        "show_incident",
        "Show an incident: alerts, diagnosis, plan, clocks.",
        "",
        IncidentArguments,
        get=True,
    ),
    _incident(
        "read_timeline",
        "Read the journal of an incident.",
        "/timeline",
        IncidentArguments,
        get=True,
    ),
    _incident(
        "read_postmortem",
        "Read the post-mortem of an incident.",
        "/postmortem",
        IncidentArguments,
        get=True,
    ),
    Tool(
        "search_incidents",
        "Find resolved incidents by words, with cause and resolution.",
        "GET",
        "/v1/incidents/search",
        WordArguments,
    ),
    _incident(
        "replay_incident",
        "Replay an incident against today's rules and runbooks.",
        "/replay",
        IncidentArguments,
        get=True,
    ),
    Tool("declare_incident", "Declare an incident.", "POST", "/v1/incidents", DeclareArguments),
    _incident(
        "acknowledge",
        "Acknowledge an incident: no one is paged.",
        "/acknowledge",
        AcknowledgeArguments,
    ),
    _incident("assign", "Make a person responsible for an incident.", "/assign", AssignArguments),
    _incident("note", "Write a note to the journal of an incident.", "/notes", NoteArguments),
    _incident("set_severity", "Set the severity of an incident.", "/severity", SeverityArguments),
    _incident(
        "take_over", "Work on an incident instead of trimtab.", "/take-over", IncidentArguments
    ),
    _incident("hand_back", "Let trimtab diagnose and plan again.", "/hand-back", IncidentArguments),
    _incident("resolve", "Resolve an incident with its cause.", "/resolve", ResolveArguments),
    _incident("add_follow_up", "Add something to do afterwards.", "/follow-ups", FollowUpArguments),
    _incident(
        "propose_plan",
        "Propose actions of the catalog as the repair of an escalated incident. Another person or"
        " key approves them.",
        "/proposals",
        ProposeArguments,
    ),
    _incident(
        "approve_plan",
        "Approve the plan of an incident; never one that you have proposed.",
        "/approve",
        ApproveArguments,
    ),
    _incident("reject_plan", "Reject the plan of an incident.", "/reject", RejectArguments),
)

TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in _ALL}
"""Every tool by its name."""
