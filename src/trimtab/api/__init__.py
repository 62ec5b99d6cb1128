"""The HTTP API: one file of routes per domain."""

from trimtab.api.application import create_api, create_fault_api

__all__ = ["create_api", "create_fault_api"]
