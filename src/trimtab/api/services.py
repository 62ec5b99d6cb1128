"""The services that routes receive, each by its own parameter."""

from typing import Annotated

from fastapi import Depends

from trimtab.answers.service import AnswerService
from trimtab.calendar import Calendar
from trimtab.drills import DrillRunner
from trimtab.evaluation.contradictions import ContradictionFinder
from trimtab.evaluation.flywheel import Flywheel
from trimtab.evaluation.service import EvaluationService
from trimtab.incidents import Incidents
from trimtab.incidents.intake import AlertIntake, Silences
from trimtab.incidents.intake.module import ReceivedRecords
from trimtab.incidents.module import IncidentRecords
from trimtab.incidents.oncall import OnCall
from trimtab.incidents.people import People
from trimtab.infra.auth import Principal
from trimtab.infra.environment import Environment
from trimtab.infra.maintenance import MaintenanceMode
from trimtab.infra.module import Databases
from trimtab.infra.notify.outage import OutagePages
from trimtab.infra.notify.service import Notifications
from trimtab.infra.process_metrics import ProcessMetrics
from trimtab.infra.web import Viewer, admitted, viewer
from trimtab.infra.web.module import Web
from trimtab.infra.web.routes import provided
from trimtab.kernel.operable import Catalog
from trimtab.knowledge import Knowledge
from trimtab.models.monitoring.service import ModelMonitor
from trimtab.models.retraining.service import Retrainings
from trimtab.models.service import Models
from trimtab.monitoring.service import Monitoring
from trimtab.operations.checklists import Checklists
from trimtab.privacy.erasure import Erasures
from trimtab.review import Reviews
from trimtab.runbooks.revisions import Revisions
from trimtab.runbooks.service import ProseChecks, Runbooks

EnvDep = Annotated[Environment, provided(Environment)]
"""Settings, clock, keys, audit chain and health."""

WebDep = Annotated[Web, provided(Web)]
"""Sessions, live views and the concurrency limit."""

OutageDep = Annotated[OutagePages, provided(OutagePages)]
ProcessDep = Annotated[ProcessMetrics, provided(ProcessMetrics)]
DatabasesDep = Annotated[Databases, provided(Databases)]
CatalogDep = Annotated[Catalog, provided(Catalog)]
KnowledgeDep = Annotated[Knowledge, provided(Knowledge)]
AnswersDep = Annotated[AnswerService, provided(AnswerService)]
ContradictionsDep = Annotated[ContradictionFinder, provided(ContradictionFinder)]
EvaluationDep = Annotated[EvaluationService, provided(EvaluationService)]
FlywheelDep = Annotated[Flywheel, provided(Flywheel)]
MaintenanceDep = Annotated[MaintenanceMode, provided(MaintenanceMode)]
NotificationsDep = Annotated[Notifications, provided(Notifications)]
ModelsDep = Annotated[Models, provided(Models)]
ModelMonitorDep = Annotated[ModelMonitor, provided(ModelMonitor)]
RetrainingsDep = Annotated[Retrainings, provided(Retrainings)]
ErasuresDep = Annotated[Erasures, provided(Erasures)]
ChecklistsDep = Annotated[Checklists, provided(Checklists)]
MonitoringDep = Annotated[Monitoring, provided(Monitoring)]
ReviewsDep = Annotated[Reviews, provided(Reviews)]
RevisionsDep = Annotated[Revisions, provided(Revisions)]
RunbooksDep = Annotated[Runbooks, provided(Runbooks)]
ProseDep = Annotated[ProseChecks, provided(ProseChecks)]
RecordsDep = Annotated[IncidentRecords, provided(IncidentRecords)]
IncidentsDep = Annotated[Incidents, provided(Incidents)]
IntakeDep = Annotated[AlertIntake, provided(AlertIntake)]
ReceivedDep = Annotated[ReceivedRecords, provided(ReceivedRecords)]
SilencesDep = Annotated[Silences, provided(Silences)]
PeopleDep = Annotated[People, provided(People)]
CalendarDep = Annotated[Calendar, provided(Calendar)]
OnCallDep = Annotated[OnCall, provided(OnCall)]
DrillsDep = Annotated[DrillRunner, provided(DrillRunner)]

Following = Annotated[Viewer, Depends(viewer)]
"""Who follows a live view, as a parameter of its route."""

Caller = Annotated[Principal, Depends(admitted)]
"""Whom the route's role check has admitted, as a route's parameter."""
