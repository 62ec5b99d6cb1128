"""Route of the links from an incident to the team's tools."""

from dataclasses import dataclass

from fastapi import APIRouter

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import EnvDep, IncidentsDep
from trimtab.incidents.links import ToolLink, tool_links
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class ToolLinks:
    """Links of an incident; none for a tool whose address is not set."""

    links: tuple[ToolLink, ...]


@router.get("/{incident_id}/links", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def links(incident_id: str, incidents: IncidentsDep, env: EnvDep) -> ToolLinks:
    """Return links to Grafana, Prometheus, Jaeger and Sentry with the incident's time range."""
    found = incidents.get(incident_id)
    return ToolLinks(tool_links(found, env.settings.tools, env.clock.now()))
