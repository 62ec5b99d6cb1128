"""Creates the FastAPI applications of the API and of the faults."""

from typing import Any

from fastapi import FastAPI

from trimtab import __version__
from trimtab.api import (
    agents,
    alertmanager,
    answers,
    audit,
    calendar,
    canaries,
    catalog,
    contradictions,
    dependencies,
    documents,
    engines,
    experiments,
    fleet,
    flywheel,
    guard_rules,
    health,
    incident_links,
    incident_replay,
    incidents,
    ingest,
    keys,
    knowledge,
    knowledge_maintenance,
    llm,
    maintenance,
    model_monitoring,
    model_retraining,
    models,
    notifications,
    oncall,
    openai_endpoint,
    people,
    predictions,
    privacy,
    probes,
    process,
    prometheus,
    queries,
    review,
    rules,
    runbooks,
    settings,
    silences,
    status,
)
from trimtab.api.errors import handle_errors
from trimtab.api.http.openapi import describe
from trimtab.infra.web import Access
from trimtab.infra.web.routes import ProvidedServices

# Starlette tries them in this order, so short requests that come often are first.
_ROUTERS = (
    health.router,
    probes.router,
    predictions.router,
    knowledge.router,
    documents.router,
    contradictions.router,
    ingest.router,
    engines.router,
    knowledge_maintenance.router,
    answers.router,
    openai_endpoint.router,
    experiments.router,
    review.router,
    flywheel.router,
    guard_rules.router,
    llm.router,
    maintenance.router,
    notifications.router,
    models.router,
    models.files_router,
    model_monitoring.router,
    model_retraining.router,
    canaries.router,
    incidents.router,
    incident_links.router,
    incident_replay.router,
    dependencies.router,
    people.router,
    agents.router,
    oncall.router,
    calendar.router,
    runbooks.router,
    rules.router,
    prometheus.router,
    alertmanager.router,
    silences.router,
    catalog.router,
    keys.router,
    audit.router,
    settings.router,
    privacy.router,
    status.router,
    queries.router,
    fleet.router,
    process.router,
)


def create_api(services: ProvidedServices, access: Access) -> FastAPI:
    """Return the app with every route that the network may reach."""
    app = _Described(
        title="trimtab",
        version=__version__,
        description="An AI knowledge service that runs, repairs and proves itself.",
        # The stock pages load scripts from elsewhere; the console has one that works offline.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    for router in _ROUTERS:
        # Not `include_router`: FastAPI searches the routes of an included router twice per call.
        app.router.routes.extend(router.routes)
    return _finish(app, services, access)


def create_fault_api(services: ProvidedServices, access: Access) -> FastAPI:
    """Return the app with the routes for faults and drills, for the control socket alone."""
    from trimtab.api import drills, faults  # Only a drilled service has them.

    app = _Described(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.include_router(faults.router)
    app.include_router(drills.router)
    app.state.injected = faults.Injected()
    return _finish(app, services, access)


class _Described(FastAPI):
    """A FastAPI app whose OpenAPI document states every status of each route."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document; it is built on the first call."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(self)
        return self.openapi_schema


def _finish(app: FastAPI, services: ProvidedServices, access: Access) -> FastAPI:
    app.state.services = services
    app.state.access = access
    handle_errors(app)
    return app
