"""The services that pages receive, each by its own parameter."""

from typing import Annotated

from fastapi import Depends

from trimtab.answers.service import AnswerService
from trimtab.calendar import Calendar
from trimtab.evaluation.contradictions import ContradictionFinder
from trimtab.gates.monitor import GateMonitor
from trimtab.incidents import Incidents
from trimtab.incidents.intake import Silences
from trimtab.incidents.intake.module import ReceivedRecords
from trimtab.incidents.module import IncidentRecords
from trimtab.incidents.oncall import OnCall
from trimtab.incidents.people import People
from trimtab.infra.auth import Principal, Role
from trimtab.infra.environment import Environment
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.notify.service import Notifications
from trimtab.infra.web import Needs, Viewer, admitted, viewer
from trimtab.infra.web.module import Web
from trimtab.infra.web.routes import provided
from trimtab.kernel.operable import Catalog
from trimtab.knowledge import Knowledge
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.service import Models
from trimtab.monitoring.service import Monitoring
from trimtab.review import Reviews
from trimtab.runbooks.revisions import Revisions
from trimtab.runbooks.service import Runbooks

EnvDep = Annotated[Environment, provided(Environment)]
WebDep = Annotated[Web, provided(Web)]
CatalogDep = Annotated[Catalog, provided(Catalog)]
KnowledgeDep = Annotated[Knowledge, provided(Knowledge)]
AnswersDep = Annotated[AnswerService, provided(AnswerService)]
ContradictionsDep = Annotated[ContradictionFinder, provided(ContradictionFinder)]
ModelsDep = Annotated[Models, provided(Models)]
GatesDep = Annotated[GateMonitor, provided(GateMonitor)]
ModelMonitorDep = Annotated[ModelMonitor, provided(ModelMonitor)]
MonitoringDep = Annotated[Monitoring, provided(Monitoring)]
ReviewsDep = Annotated[Reviews, provided(Reviews)]
RevisionsDep = Annotated[Revisions, provided(Revisions)]
RunbooksDep = Annotated[Runbooks, provided(Runbooks)]
RecordsDep = Annotated[IncidentRecords, provided(IncidentRecords)]
IncidentsDep = Annotated[Incidents, provided(Incidents)]
SilencesDep = Annotated[Silences, provided(Silences)]
ReceivedDep = Annotated[ReceivedRecords, provided(ReceivedRecords)]
OnCallDep = Annotated[OnCall, provided(OnCall)]
PeopleDep = Annotated[People, provided(People)]
CalendarDep = Annotated[Calendar, provided(Calendar)]
NotificationsDep = Annotated[Notifications, provided(Notifications)]
MaintenanceDep = Annotated[MaintenanceMode, provided(MaintenanceMode)]

Following = Annotated[Viewer, Depends(viewer)]
"""Who follows a live view, as a parameter of its route."""

Caller = Annotated[Principal, Depends(admitted)]
"""Whom the page's role check has admitted, as a page's parameter."""

READER = Depends(Needs(Role.READER))
REVIEWER = Depends(Needs(Role.REVIEWER))
OPERATOR = Depends(Needs(Role.OPERATOR))
ADMIN = Depends(Needs(Role.ADMIN))
ANYBODY = Depends(Needs(None))
