"""The HTTP API: one file of routes per domain."""

from trimtab.api.application import create_api, create_fault_api
from trimtab.api.services import Services

__all__ = ["Services", "create_api", "create_fault_api"]
