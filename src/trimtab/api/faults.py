"""Routes that inject and restore faults, on the control socket only.

They are an app of their own, mounted only if ``service.drills`` is set. The network listener never
has these routes.
"""

import threading
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from trimtab.api.catalog import auditable
from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import ADMIN
from trimtab.api.services import Caller, CatalogDep, EnvDep
from trimtab.kernel.drilling import drill_traffic
from trimtab.kernel.errors import Conflict
from trimtab.kernel.operable import Arguments, Value, check_arguments

router = APIRouter(prefix="/v1/faults", tags=["faults"], route_class=ApiRoute)


class FaultState(Conflict):
    """The fault is injected already, or is not injected."""

    code = "drills.fault_state"


class InjectRequest(BaseModel):
    """Arguments of a fault."""

    arguments: dict[str, Value] = Field(default_factory=dict)


class Injected:
    """State that restores each injected fault, by name."""

    def __init__(self) -> None:
        self._states: dict[str, Arguments] = {}
        self.lock = threading.Lock()

    def put(self, name: str, state: Arguments) -> None:
        """Remember an injected fault."""
        self._states[name] = state

    def __contains__(self, name: str) -> bool:
        return name in self._states

    def take(self, name: str) -> Arguments:
        """Forget the fault and return what restores it."""
        if name not in self._states:
            raise FaultState(f"The fault {name} is not injected.")
        return self._states.pop(name)


async def _injected(request: Request) -> Injected:
    found: Injected = request.app.state.injected
    return found


InjectedHere = Annotated[Injected, Depends(_injected)]


@router.get("", dependencies=[ADMIN])
def list_faults(catalog: CatalogDep, injected: InjectedHere) -> dict[str, list[dict[str, object]]]:
    """List every fault and whether it is injected."""
    return {
        "faults": [
            {
                "name": fault.name,
                "help": fault.help,
                "params": [asdict(param) for param in fault.params],
                "injected": fault.name in injected,
            }
            for fault in catalog.faults.values()
        ]
    }


@router.post("/{name}/inject", dependencies=[ADMIN])
def inject(
    name: str,
    request: InjectRequest,
    env: EnvDep,
    catalog: CatalogDep,
    injected: InjectedHere,
    principal: Caller,
) -> dict[str, object]:
    """Inject a fault until it is restored."""
    fault = catalog.fault(name)
    arguments = check_arguments(fault.params, request.arguments)
    with injected.lock:
        if name in injected:
            raise FaultState(
                f"The fault {name} is injected already.", hint=f"`trimtab fault {name} --restore`."
            )
        with drill_traffic():
            injected.put(name, fault.inject(arguments))
    env.audit.append(principal.name, "drills.injected", name, auditable(fault.params, arguments))
    return {"fault": name, "injected": True}


@router.post("/{name}/restore", dependencies=[ADMIN])
def restore(
    name: str, env: EnvDep, catalog: CatalogDep, injected: InjectedHere, principal: Caller
) -> dict[str, object]:
    """Restore an injected fault."""
    fault = catalog.fault(name)
    with injected.lock, drill_traffic():
        fault.restore(injected.take(name))
    env.audit.append(principal.name, "drills.restored", name)
    return {"fault": name, "injected": False}
