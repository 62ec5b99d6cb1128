"""Route of what the components depend on."""

from dataclasses import dataclass

from fastapi import APIRouter

from trimtab.api.http.routes import ApiRoute
from trimtab.api.roles import READER
from trimtab.api.services import IncidentsDep

router = APIRouter(prefix="/v1", tags=["incidents"], route_class=ApiRoute)


@dataclass(frozen=True, slots=True)
class DependencyNode:
    """A component of trimtab, or a node of the file of alerts."""

    name: str
    needs: tuple[str, ...]
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DependencyGraph:
    """The dependency graph by which a diagnosis is led."""

    components: tuple[DependencyNode, ...]


@router.get("/dependencies", dependencies=[READER])
def dependencies(incidents: IncidentsDep) -> DependencyGraph:
    """Return the components of trimtab and the nodes of your file, with what each depends on."""
    graph = incidents.context.dependencies()
    names = sorted({*graph, *(name for needed in graph.values() for name in needed)})
    found = (
        DependencyNode(
            name,
            tuple(graph.get(name, ())),
            tuple(sorted(other for other, needed in graph.items() if name in needed)),
        )
        for name in names
    )
    return DependencyGraph(tuple(found))
