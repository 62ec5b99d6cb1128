"""The HTTP interface: one thin file for each domain, one table from errors to statuses."""

from trimtab.api.application import create_api, create_fault_api

__all__ = ["create_api", "create_fault_api"]
