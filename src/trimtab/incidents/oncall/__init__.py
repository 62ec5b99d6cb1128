"""On-call schedules: rotations, time zones and overrides."""

from trimtab.incidents.oncall.service import OnCall
from trimtab.incidents.oncall.store import Override

__all__ = ["OnCall", "Override"]
