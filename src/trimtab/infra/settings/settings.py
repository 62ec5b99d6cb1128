"""The one settings table: a frozen section for each domain."""

from dataclasses import dataclass, field

from trimtab.infra.settings.sections.incidents import IncidentSettings
from trimtab.infra.settings.sections.monitor import MonitorSettings
from trimtab.infra.settings.sections.notify import NotifySettings
from trimtab.infra.settings.sections.service import ServiceSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one start. Passed in where needed, never imported as a global."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
