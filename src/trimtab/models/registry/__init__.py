"""The registry: signed versions, aliases with an append-only log, and golden batches."""

from trimtab.models.registry.registry import LoadedModel, Registry

__all__ = ["LoadedModel", "Registry"]
