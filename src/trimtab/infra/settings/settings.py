"""The settings of all domains, one frozen section each."""

from dataclasses import dataclass, field

from trimtab.infra.settings.sections.answers import AnswersSettings
from trimtab.infra.settings.sections.api import ApiSettings
from trimtab.infra.settings.sections.calendar import CalendarSettings
from trimtab.infra.settings.sections.gates import GatesSettings
from trimtab.infra.settings.sections.guardrails import GuardrailsSettings
from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.infra.settings.sections.knowledge import KnowledgeSettings
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.infra.settings.sections.models import ModelsSettings
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.infra.settings.sections.notify import NotifySettings
from trimtab.infra.settings.sections.postgresql import PostgresqlSettings
from trimtab.infra.settings.sections.review import ReviewSettings
from trimtab.infra.settings.sections.service import ServiceSettings
from trimtab.infra.settings.sections.tools import ToolsSettings
from trimtab.infra.settings.sections.trust import TrustSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process; passed to their users, never a global."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)
    answers: AnswersSettings = field(default_factory=AnswersSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    gates: GatesSettings = field(default_factory=GatesSettings)
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    knowledge: KnowledgeSettings = field(default_factory=KnowledgeSettings)
    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)
    postgresql: PostgresqlSettings = field(default_factory=PostgresqlSettings)
    review: ReviewSettings = field(default_factory=ReviewSettings)
    guardrails: GuardrailsSettings = field(default_factory=GuardrailsSettings)
    models: ModelsSettings = field(default_factory=ModelsSettings)
    tools: ToolsSettings = field(default_factory=ToolsSettings)
