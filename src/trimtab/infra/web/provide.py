"""Dependency injection of services into routes, by type."""

from collections.abc import Iterable
from typing import Any, TypeVar

from fastapi import Depends, Request

_S = TypeVar("_S")


class ProvidedServices:
    """The services available to routes and pages, by type."""

    def __init__(self, services: Iterable[object]) -> None:
        self._services = {type(service): service for service in services}

    def find(self, kind: type[_S]) -> _S:
        """Return the service of exactly that type, or raise `LookupError`."""
        found = self._services.get(kind)
        if not isinstance(found, kind):
            raise LookupError(f"routes are provided with no {kind.__name__}: add it in trimtab.app")
        return found

    def replaced(self, *services: object) -> "ProvidedServices":
        """Return a copy in which these services replace those of the same types."""
        return ProvidedServices([*self._services.values(), *services])


def provided(kind: type[Any]) -> Any:
    """Return a dependency on the service of that type, for ``Annotated``."""

    async def find(request: Request) -> object:
        services: ProvidedServices = request.app.state.services
        return services.find(kind)

    return Depends(find)
