"""One effect has one role, whichever way it is reached: route, action, console page or approved plan."""

import pytest

from tests.api.test_access import all_routes, roles_of
from tests.faces import client_of, key_of
from trimtab.infra.auth import Role

SAME_EFFECT = {
    "answers.user.erase": ("DELETE", "/api/v1/users/{user_id:path}/data"),
    "answers.erasure.retry": ("POST", "/api/v1/erasures"),
    "answers.model.check": ("GET", "/api/v1/llm"),
    "knowledge.database.restore": ("POST", "/v1/knowledge/restore"),
    "knowledge.database.recover": ("POST", "/v1/knowledge/recover"),
    "knowledge.backup.take": ("POST", "/v1/knowledge/backups"),
    "notify.page_outage": ("POST", "/v1/notifications/outage"),
    "notify.test": ("POST", "/v1/notifications/test"),
    "service.maintenance.start": ("PUT", "/v1/maintenance"),
    "service.maintenance.stop": ("PUT", "/v1/maintenance"),
    "review.queue.clear": ("POST", "/v1/review/queues/{queue}/clear"),
    "knowledge.cache.warm": ("POST", "/api/v1/cache/warm"),
    "models.resync": ("POST", "/v1/models/{name}/repair"),
    "models.rollback": ("POST", "/v1/models/{name}/rollback"),
}
"""Actions that do what a route does."""
ADMINS_ACTIONS = {"k8s.rollback", "k8s.grow_volume", "k8s.cordon", "k8s.apply"}
"""Actions without a route that replace a release, cannot be undone, or concern a whole cluster."""
CLUSTER_ACTIONS = {
    "k8s.scale", "k8s.stop", "k8s.restart", "k8s.restart_stateful", "k8s.restart_in_order", "k8s.set_env", "k8s.set_resources",
    "k8s.canary_weight", "k8s.pods", "k8s.reach", "k8s.wait", "k8s.top", "k8s.exec",
    "k8s.patch_configmap", "k8s.delete_pod", "k8s.rollout_status", "k8s.history", "k8s.describe", "k8s.logs",
}  # fmt: skip
ONLY_ACTIONS = {
    "answers.cache.clear",
    "answers.export.send",
    "answers.generator.prefer",
    "answers.routing.reset",
    "answers.routing.set",
    "answers.watch.look",
    "answers.watch.pin_baseline",
    "gates.artifacts.sign",
    "gates.baseline.promote",
    "gates.evidence.restore",
    "gates.keys.protect",
    "gates.manifest.regenerate",
    "gates.permissions.fix",
    "gates.report.migrate",
    "gates.reset",
    "gates.run",
    "gates.sbom.regenerate",
    "gates.timeout.raise",
    "guardrails.bypass",
    "guardrails.cache.clear",
    "guardrails.restart",
    "guardrails.rules.set",
    "knowledge.embedding.measure",
    "models.inputs.fill",
    "service.database.upkeep",
    "service.valkey.backup",
    "service.valkey.restore",
    "models.inputs.rescale",
    "models.monitor.look",
    "knowledge.cache.resize",
    "knowledge.database.check",
    "knowledge.database.repair_indexes",
    "knowledge.disk.clean_up",
    "knowledge.disk.grow_budget",
    "knowledge.disk.set_budget",
    "knowledge.disk.usage",
    "knowledge.embedding.reinstall",
    "knowledge.embedding.reload",
    "knowledge.engine.leave",
    "knowledge.engine.reconnect",
    "knowledge.index.restart",
    "knowledge.ingestion.retry_dead_letters",
    "knowledge.memory.heap_dump",
    "knowledge.memory.profile",
    "knowledge.memory.report",
    "knowledge.parser.recycle",
    "knowledge.snapshot.restore",
    "knowledge.snapshot.take",
    "models.cache.resize",
    "models.fallback",
    "models.reload",
    "postgresql.analyze",
    "postgresql.backup",
    "postgresql.compare",
    "postgresql.drop_recovery",
    "postgresql.restore_beside",
    "postgresql.switch_to_recovery",
    "postgresql.locks",
    "postgresql.queries",
    "postgresql.reindex",
    "postgresql.reload",
    "postgresql.restart",
    "postgresql.set",
    "postgresql.terminate_blockers",
    "postgresql.terminate_queries",
    "postgresql.top_queries",
    "postgresql.upkeep",
    "postgresql.vacuum",
    "notify.send",
    "notify.replay",
    "notify.restart",
    "review.restart",
    "review.feedback.restart",
    "review.queue.quarantine",
    "service.database.interrupt",
    "service.restart",
    "review.collect",
    "review.feedback.process",
    "service.change.rollback",
}
"""Actions whose effect no route has: the role of `POST /v1/actions/{name}` is theirs."""
CONSOLE = {
    "/console/incidents/{incident_id}/acknowledge": "/v1/incidents/{incident_id}/acknowledge",
    "/console/incidents/{incident_id}/assign": "/v1/incidents/{incident_id}/assign",
    "/console/incidents/{incident_id}/severity": "/v1/incidents/{incident_id}/severity",
    "/console/incidents/{incident_id}/note": "/v1/incidents/{incident_id}/notes",
    "/console/incidents/{incident_id}/take-over": "/v1/incidents/{incident_id}/take-over",
    "/console/incidents/{incident_id}/hand-back": "/v1/incidents/{incident_id}/hand-back",
    "/console/incidents/{incident_id}/resolve": "/v1/incidents/{incident_id}/resolve",
    "/console/incidents/{incident_id}/follow-ups": "/v1/incidents/{incident_id}/follow-ups",
    "/console/incidents/{incident_id}/follow-ups/{number}/done": "/v1/incidents/{incident_id}/follow-ups/{number}/done",
    "/console/incidents": "/v1/incidents",
    "/console/alerts/silences": "/api/v2/silences",
    "/console/oncall/overrides": "/v1/oncall/overrides",
    "/console/ask": "/v1/answers",
    "/console/ask/stream": "/v1/answers/stream",
    "/console/ask/feedback/{trace_id}": "/v1/traces/{trace_id}/feedback",
    "/console/documents": "/api/v1/projects",
    "/console/review/next": "/v1/review/next",
    "/console/review/{item_id}/submit": "/v1/review/items/{item_id}/submit",
    "/console/review/{item_id}/skip": "/v1/review/items/{item_id}/skip",
    "/console/model": "/api/v1/llm",
    "/console/model/disconnect": "/api/v1/llm",
    "/console/incidents/{incident_id}/approve": "/v1/incidents/{incident_id}/approve",
    "/console/incidents/{incident_id}/reject": "/v1/incidents/{incident_id}/reject",
    "/console/incidents/{incident_id}/close": "/v1/incidents/{incident_id}/close",
    "/console/calendar/{task_id}/done": "/v1/calendar/{task_id}/done",
    "/console/calendar/{task_id}/drop": "/v1/calendar/{task_id}/drop",
    "/console/notifications/test": "/v1/notifications/test",
    "/console/notifications/replay": "/v1/notifications/replay",
    "/console/models/{name}/promote": "/v1/models/{name}/promote",
    "/console/models/{name}/rollback": "/v1/models/{name}/rollback",
}
"""Pages that do what the POST route does."""
DELETING = {
    "/console/alerts/silences/{silence_id}/end": "/api/v2/silence/{silence_id}",
    "/console/oncall/overrides/{override_id}/end": "/v1/oncall/overrides/{override_id}",
    "/console/documents/{project}/delete": "/api/v1/projects/{project}",
    "/console/documents/{project}/{document_id}/delete": (
        "/api/v1/projects/{project}/documents/{document_id}"
    ),
}
"""Pages that do what the DELETE route does; a form can only POST."""
READING = {
    "/console/documents": "/api/v1/projects",
    "/console/documents/{project}": "/api/v1/projects/{project}/documents",
    "/console/documents/{project}/{document_id}": (
        "/api/v1/projects/{project}/documents/{document_id}"
    ),
    "/console/traces": "/v1/traces",
    "/console/traces/{trace_id}": "/v1/traces/{trace_id}",
    "/console/calendar": "/v1/calendar",
    "/console/notifications": "/v1/notifications",
}
"""Pages that show what the GET route returns."""
SIGNING_IN = {"/console/login", "/console/logout"}


def roles_by_route(app):
    return {
        (method, route.path): roles_of(route.dependant)[0].role
        for route in all_routes(app)
        for method in route.methods
    }


def test_every_action_has_the_role_of_the_route_with_the_same_effect(app):
    routes, actions = roles_by_route(app.http_apps.api), app.catalog.actions
    through_actions = routes["POST", "/v1/actions/{name}"]
    wanted = {name: routes[route] for name, route in SAME_EFFECT.items()}
    wanted |= dict.fromkeys(ONLY_ACTIONS | CLUSTER_ACTIONS, through_actions)
    wanted |= dict.fromkeys(ADMINS_ACTIONS, Role.ADMIN)
    missing = set(actions) ^ set(wanted)
    assert not missing, "state here which route has the same effect, or that none has"
    assert {name: action.role for name, action in actions.items()} == wanted


def test_every_page_that_changes_something_has_the_role_of_its_route(app):
    routes, pages = roles_by_route(app.http_apps.api), roles_by_route(app.http_apps.console)
    changing = {
        path: role for (method, path), role in pages.items() if method not in ("GET", "HEAD")
    }
    wanted = {path: routes["POST", same] for path, same in CONSOLE.items()}
    wanted |= {path: routes["DELETE", same] for path, same in DELETING.items()}
    wanted |= dict.fromkeys(SIGNING_IN)
    assert changing == wanted


def test_a_page_of_documents_or_traces_has_the_role_of_the_route_that_returns_the_same(app):
    routes, pages = roles_by_route(app.http_apps.api), roles_by_route(app.http_apps.console)
    shown = {path: pages["GET", path] for path in READING}
    assert shown == {path: routes["GET", same] for path, same in READING.items()}


@pytest.mark.parametrize("name", ["answers.user.erase", "knowledge.database.restore"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_an_operator_cannot_do_by_an_action_what_its_route_refuses(app, name, dry_run):
    client = client_of(app, key=key_of(app, Role.OPERATOR))
    asked = {"arguments": {"user_id": "bob"}, "approve": True, "dry_run": dry_run}
    answer = client.post(f"/v1/actions/{name}", json=asked)
    assert answer.status_code == 403
    assert "admin" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/incidents/{}/approve", "/console/incidents/{}/approve"])
def test_a_plan_needs_the_highest_role_of_its_actions(tank, path, monkeypatch):
    found = tank.waiting()
    for act in found.episode.plan.acts:
        action = tank.operator.context.catalog.action(act.name)
        monkeypatch.setattr(type(action), "role", Role.ADMIN, raising=False)
    given = {"plan_hash": found.episode.plan.hash}
    client = tank.client(Role.OPERATOR)
    sent = {"json": given} if path.startswith("/v1") else {"data": given}
    assert client.post(path.format(found.id), **sent).status_code == 403
    assert not tank.operator.incidents.approval(found.id).decision
