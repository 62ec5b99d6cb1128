"""The processes that share one database: heartbeats, leader, acknowledgements, switches.

On SQLite the fleet is this process alone, and nothing of it runs.
"""

from trimtab.infra.fleet.records import FleetNumbers, FleetProcess, ProcessIdentity
from trimtab.infra.fleet.service import Fleet, NotInTouch

__all__ = ["Fleet", "FleetNumbers", "FleetProcess", "NotInTouch", "ProcessIdentity"]
