"""Actions on Deployments and StatefulSets of a real API server."""

import pytest

from trimtab.kernel.errors import InvalidInput
from trimtab.kubernetes.cluster import AUTOSCALER, DEPLOYMENT, POD, STATEFUL_SET, Patch
from trimtab.kubernetes.errors import (
    ChangeRefused,
    KubernetesTimeout,
    ObjectChanged,
    ObjectUnknown,
)
from trimtab.kubernetes.workloads import RESTARTED_AT, rollback_patch


def replicas(world, name, kind="deployment"):
    return world.get(kind, name)["spec"]["replicas"]


def environment(world, name):
    (container,) = world.get("deployment", name)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container.get("env", ())}


def generation(world, name):
    return world.get("deployment", name)["metadata"]["generation"]


@pytest.mark.parametrize("kind", [DEPLOYMENT, STATEFUL_SET])
def test_scaling_shows_its_difference_first_and_is_undone(world, kind):
    word = kind.name.lower()
    world.deploy("web", kind=kind)
    tried = world.dry_run("k8s.scale", name="web", kind=word, replicas=4)
    assert tried.facts["difference"] == ["spec.replicas: 2 -> 4"]
    assert replicas(world, "web", word) == 2
    done = world.run("k8s.scale", "act", name="web", kind=word, replicas=4)
    assert replicas(world, "web", word) == 4
    world.wait_ready("web", 4, word)
    world.undo("k8s.scale", "act", done)
    assert replicas(world, "web", word) == 2


def test_an_act_that_is_repeated_after_a_crash_still_knows_its_undo(world):
    world.deploy("web")
    world.run("k8s.scale", "act", name="web", replicas=5)
    again = world.run("k8s.scale", "act", name="web", replicas=5)
    world.undo("k8s.scale", "act", again)
    assert replicas(world, "web") == 2


def test_what_is_as_wanted_already_counts_as_no_change(world):
    world.deploy("web", replicas=3)
    assert not world.dry_run("k8s.scale", name="web", replicas=3).changes
    before = generation(world, "web")
    assert not world.run("k8s.scale", "act", name="web", replicas=3).changes
    assert generation(world, "web") == before


def test_replicas_have_a_limit(world):
    world.deploy("web")
    world.dry_run("k8s.scale", name="web", replicas=20)
    with pytest.raises(InvalidInput, match="more than the limit of 20"):
        world.dry_run("k8s.scale", name="web", replicas=21)
    with pytest.raises(InvalidInput, match="out of range"):
        world.dry_run("k8s.scale", name="web", replicas=0)


def test_stopping_scales_to_nothing_and_its_undo_starts_the_same_number(world):
    world.deploy("web", replicas=3)
    world.wait_ready("web", 3)
    done = world.run("k8s.stop", "act", name="web")
    world.wait(lambda: not world.pods("web"))
    world.undo("k8s.stop", "act", done)
    assert replicas(world, "web") == 3


def test_a_restart_replaces_every_pod_once_per_act(world):
    world.deploy("web")
    world.wait_ready("web", 2)
    before = set(world.pods("web"))
    world.run("k8s.restart", "act", name="web")
    world.wait(lambda: len(world.pods("web")) == 2 and not before & set(world.pods("web")))
    changed = generation(world, "web")
    world.run("k8s.restart", "act", name="web")
    assert generation(world, "web") == changed
    annotations = world.get("deployment", "web")["spec"]["template"]["metadata"]["annotations"]
    assert set(annotations) == {RESTARTED_AT}


def test_a_stateful_set_is_restarted_by_an_action_of_its_own(world):
    world.deploy("db", kind=STATEFUL_SET)
    world.run("k8s.restart_stateful", "act", name="db")
    template = world.get("statefulset", "db")["spec"]["template"]
    assert RESTARTED_AT in template["metadata"]["annotations"]
    with pytest.raises(ObjectUnknown):
        world.run("k8s.restart", "act", name="db")


def image(world, name, kind="deployment"):
    (container,) = world.get(kind, name)["spec"]["template"]["spec"]["containers"]
    return container["image"]


@pytest.mark.feature("F601")
@pytest.mark.parametrize("kind", [DEPLOYMENT, STATEFUL_SET])
def test_a_rollback_restores_the_revision_before_and_is_undone(world, kind):
    word = kind.name.lower()
    for number in (1, 2, 3):
        world.deploy("web", f"web:{number}", kind=kind)
        world.wait(lambda seen=number: len(history(world, word)) == seen)
    tried = world.dry_run("k8s.rollback", name="web", kind=word)
    path = "spec.template.spec.containers[main].image"
    assert tried.facts["difference"] == [f"{path}: web:3 -> web:2"]
    done = world.run("k8s.rollback", "act", name="web", kind=word)
    assert image(world, "web", word) == "web:2"
    world.undo("k8s.rollback", "act", done)
    assert image(world, "web", word) == "web:3"
    world.run("k8s.rollback", "other", name="web", kind=word, revision=1)
    assert image(world, "web", word) == "web:1"


def history(world, kind):
    return world.dry_run("k8s.history", name="web", kind=kind).facts["images"]


def test_there_is_nothing_before_the_first_revision(world):
    world.deploy("web")
    world.wait(lambda: len(history(world, "deployment")) == 1)
    with pytest.raises(ObjectUnknown, match="no revision before the newest"):
        world.dry_run("k8s.rollback", name="web")
    with pytest.raises(ObjectUnknown, match="no revision 7"):
        world.dry_run("k8s.rollback", name="web", revision=7)


def test_a_rollback_from_an_old_look_is_refused(world):
    world.deploy("web", "web:1")
    world.wait(lambda: len(history(world, "deployment")) == 1)
    world.deploy("web", "web:2")
    world.wait(lambda: len(history(world, "deployment")) == 2)
    found = world.get("deployment", "web")
    _, patch = rollback_patch(world.cluster, found, 1)
    world.run("k8s.scale", "other", name="web", replicas=3)
    world.cluster.patch(DEPLOYMENT, world.namespace, "web", patch, dry_run=True)
    world.run("k8s.set_env", "newer", name="web", variable="A", value="1")
    with pytest.raises(ObjectChanged, match="was changed since it was looked at"):
        world.cluster.patch(DEPLOYMENT, world.namespace, "web", patch)
    assert image(world, "web") == "web:2"


def test_a_variable_is_set_removed_and_put_back(world):
    world.deploy("web", env=[{"name": "MODE", "value": "slow"}])
    changed = world.run("k8s.set_env", "one", name="web", variable="MODE", value="fast")
    assert environment(world, "web") == {"MODE": "fast"}
    added = world.run("k8s.set_env", "two", name="web", variable="LEVEL", value="3")
    assert environment(world, "web") == {"LEVEL": "3", "MODE": "fast"}
    world.undo("k8s.set_env", "two", added)
    assert environment(world, "web") == {"MODE": "fast"}
    world.undo("k8s.set_env", "one", changed)
    assert environment(world, "web") == {"MODE": "slow"}
    removed = world.run("k8s.set_env", "three", name="web", variable="MODE", remove=True)
    assert environment(world, "web") == {}
    world.undo("k8s.set_env", "three", removed)
    assert environment(world, "web") == {"MODE": "slow"}


def test_a_variable_from_a_secret_is_not_overwritten_and_no_secret_is_shown(world):
    source = {"secretKeyRef": {"name": "s", "key": "k"}}
    world.deploy("web", env=[{"name": "DB_PASSWORD", "valueFrom": source}])
    with pytest.raises(ChangeRefused, match="comes from a Secret"):
        world.dry_run("k8s.set_env", name="web", variable="DB_PASSWORD", value="x")
    tried = world.dry_run("k8s.set_env", name="web", variable="API_TOKEN", value="tr0ub4dor")
    assert "tr0ub4dor" not in str(tried)
    assert any("(hidden)" in line for line in tried.facts["difference"])


def test_a_container_is_named_when_there_are_several(world):
    spec = {
        "selector": {"matchLabels": {"app": "two"}},
        "template": {
            "metadata": {"labels": {"app": "two"}},
            "spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]},
        },
    }
    world.apply(DEPLOYMENT, "two", spec=spec)
    with pytest.raises(InvalidInput, match="has 2 containers"):
        world.dry_run("k8s.set_env", name="two", variable="X", value="1")
    with pytest.raises(InvalidInput, match="no container 'c'"):
        world.dry_run("k8s.set_env", name="two", container="c", variable="X", value="1")
    world.run("k8s.set_env", "act", name="two", container="b", variable="X", value="1")
    a, b = world.get("deployment", "two")["spec"]["template"]["spec"]["containers"]
    assert ("env" in a, b["env"]) == (False, [{"name": "X", "value": "1"}])


@pytest.mark.feature("F583")
def test_memory_is_raised_as_documented_and_put_back(world):
    before = {"limits": {"memory": "2Gi"}}
    world.deploy("knowledgebeast", resources=before)
    done = world.run(
        "k8s.set_resources", "act", name="knowledgebeast", memory_limit="8Gi", memory_request="4Gi"
    )
    assert resources(world, "knowledgebeast") == {
        "limits": {"memory": "8Gi"},
        "requests": {"memory": "4Gi"},
    }
    world.undo("k8s.set_resources", "act", done)
    assert resources(world, "knowledgebeast") in (before, {**before, "requests": {}})


def resources(world, name):
    (container,) = world.get("deployment", name)["spec"]["template"]["spec"]["containers"]
    return container.get("resources")


def test_a_quantity_that_is_none_is_refused(world):
    world.deploy("web")
    with pytest.raises(InvalidInput, match="not a quantity"):
        world.dry_run("k8s.set_resources", name="web", memory_limit="lots")
    with pytest.raises(InvalidInput, match="No resource is named"):
        world.dry_run("k8s.set_resources", name="web")


def test_a_request_above_the_limit_is_refused_by_the_server(world):
    world.deploy("web")
    with pytest.raises(ChangeRefused, match="must be less than or equal to memory limit"):
        world.dry_run("k8s.set_resources", name="web", memory_limit="1Gi", memory_request="4Gi")


def test_an_owner_and_an_autoscaler_that_may_undo_a_change_are_named(world):
    world.deploy("web")
    labels = {"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}}
    world.cluster.patch(DEPLOYMENT, world.namespace, "web", Patch(labels))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6}
    world.apply(AUTOSCALER, "web", spec=spec)
    first, second = world.dry_run("k8s.scale", name="web", replicas=4).facts["warnings"]
    assert first.startswith("argocd.argoproj.io owns it")
    assert "keeps 2 to 6 replicas" in second
    world.deploy("free")
    assert "warnings" not in world.dry_run("k8s.scale", name="free", replicas=4).facts


def test_the_state_of_a_rollout_is_told(world):
    world.deploy("web")
    world.wait_ready("web", 2)
    assert world.dry_run("k8s.rollout_status", name="web").facts == {"complete": True}
    spec = {"progressDeadlineSeconds": 1, "template": {"spec": {"nodeSelector": {"no": "node"}}}}
    world.cluster.patch(DEPLOYMENT, world.namespace, "web", Patch({"spec": spec}))
    assert not world.dry_run("k8s.rollout_status", name="web").facts["complete"]

    def is_stuck():
        return world.read("k8s.rollout.stuck", name="web") == 1.0

    world.wait(is_stuck)
    with pytest.raises(ChangeRefused, match="does not finish"):
        world.dry_run("k8s.rollout_status", name="web")
    assert world.read("k8s.pods.waiting", name="web", reason="Unschedulable") == 1.0


ORDER = ("database", "redis", "ai-orchestrator", "api-gateway")


def restarted_at(world, name, kind="deployment"):
    meta = world.get(kind, name)["spec"]["template"]["metadata"]
    return meta.get("annotations", {}).get(RESTARTED_AT)


@pytest.mark.feature("F292")
def test_the_services_are_restarted_in_the_documented_order_each_ready_before_the_next(world):
    for name in ORDER:
        world.deploy(name, replicas=1, kind=STATEFUL_SET if name == "database" else DEPLOYMENT)
    kinds = {"database": "statefulset"}
    for name in ORDER:
        world.wait_ready(name, 1, kinds.get(name, "deployment"))
    before = {name: set(world.pods(name)) for name in ORDER}
    planned = world.dry_run("k8s.restart_in_order").summary
    assert [planned.index(f"/{name}") for name in ORDER] == sorted(
        planned.index(f"/{name}") for name in ORDER
    )
    assert not any(restarted_at(world, name, kinds.get(name, "deployment")) for name in ORDER)
    done = world.run("k8s.restart_in_order", "act", seconds=120)
    assert "database, redis, ai-orchestrator, api-gateway" in done.summary
    created = [pod_times(world, name) for name in ORDER]
    assert all(created[at][1] <= created[at + 1][0] for at in range(3)), created
    assert not before["redis"] & set(world.pods("redis"))


def pod_times(world, name):
    """Return when the first pod of a workload was made, and when the last one was ready."""
    found = world.cluster.find_all(POD, world.namespace, {"app": name})
    live = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    ready = [
        condition["lastTransitionTime"]
        for each in live
        for condition in each["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    return min(each["metadata"]["creationTimestamp"] for each in live), max(ready)


@pytest.mark.feature("F292")
def test_what_follows_one_that_does_not_get_ready_is_not_restarted(world):
    world.deploy("database", replicas=1)
    world.wait_ready("database", 1)
    world.deploy("redis", replicas=1, resources={"requests": {"cpu": "100000"}})
    for name in ORDER[2:]:
        world.deploy(name, replicas=1)
    with pytest.raises(KubernetesTimeout, match=r"Deployment .*ai-orchestrator.*api-gateway"):
        world.run("k8s.restart_in_order", "act", seconds=15)
    assert [bool(restarted_at(world, name)) for name in ORDER] == [True, True, False, False]


def test_an_order_with_an_unknown_name_restarts_nothing(world):
    world.deploy("database", replicas=1)
    with pytest.raises(ObjectUnknown, match="redis") as unknown:
        world.run("k8s.restart_in_order", "act")
    assert "order=postgresql" in unknown.value.hint()
    assert restarted_at(world, "database") is None
    with pytest.raises(InvalidInput, match="twice"):
        world.dry_run("k8s.restart_in_order", order="database,database")


def test_a_service_that_is_scaled_to_none_is_not_ready(world):
    world.deploy("database", replicas=1)
    world.wait_ready("database", 1)
    world.run("k8s.stop", "stop", name="database")
    with pytest.raises(KubernetesTimeout, match="no replica"):
        world.run("k8s.restart_in_order", "act", order="database")
