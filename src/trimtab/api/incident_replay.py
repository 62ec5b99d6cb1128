"""Route of the replay of a past incident against today's rules and runbooks."""

from fastapi import APIRouter

from trimtab.api.http.openapi import refuses
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import IncidentsDep, MonitoringDep
from trimtab.incidents.replay import PastSamples, Replay, replay
from trimtab.kernel.errors import ErrorKind

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=ApiRoute)


@router.get("/{incident_id}/replay", responses=refuses(ErrorKind.NOT_FOUND), dependencies=[READER])
def replay_incident(incident_id: str, incidents: IncidentsDep, monitoring: MonitoringDep) -> Replay:
    """Evaluate today's rules and runbooks at the time of an incident.

    It needs the samples of that time, which are kept for `monitor.retention_minutes`.
    """
    seconds = monitoring.settings.scrape_interval_seconds
    past = PastSamples(monitoring.engine.groups, monitoring.user_series, seconds)
    return replay(incidents.context, incidents.get(incident_id), past)
