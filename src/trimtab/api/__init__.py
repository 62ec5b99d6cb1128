"""The HTTP interface: one thin file for each domain, one table from errors to statuses."""

from trimtab.api.application import create_api, create_fault_api
from trimtab.api.services import Services

__all__ = ["Services", "create_api", "create_fault_api"]
