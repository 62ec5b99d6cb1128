"""The printed role covers every action."""

from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kubernetes.cluster import KINDS
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.manifests import manifest_actions
from trimtab.kubernetes.object_actions import object_actions
from trimtab.kubernetes.pod_commands import pod_command_actions
from trimtab.kubernetes.pod_reads import pod_read_actions
from trimtab.kubernetes.rbac import ACTIONS, manifests, usual_actions
from trimtab.kubernetes.reads import read_actions
from trimtab.kubernetes.targets import Targets
from trimtab.kubernetes.workload_actions import workload_actions


def test_the_needs_of_every_action_are_known():
    targets = Targets(Clusters(KubernetesSettings()))
    made = (
        *workload_actions(targets, SystemClock()),
        *object_actions(targets),
        *read_actions(targets),
        *manifest_actions(targets),
        *pod_read_actions(targets, SystemClock()),
        *pod_command_actions(targets),
    )
    assert {action.name for action in made} == ACTIONS


def granted(actions):
    rules = [rule for each in manifests(actions, ["a"], "t", "t") for rule in each.get("rules", ())]
    return {resource: rule["verbs"] for rule in rules for resource in rule["resources"]}


def test_commands_in_pods_are_granted_only_on_request():
    assert "pods/exec" not in granted(usual_actions())
    assert granted(usual_actions(allow_exec=True))["pods/exec"] == ["create", "get"]
    assert usual_actions(allow_exec=True) == sorted(ACTIONS)
    assert granted(["k8s.exec"])["pods/exec"] == ["create", "get"]


def test_every_kind_that_can_be_named_may_be_read():
    rules = [rule for each in manifests([], ["a"], "t", "t") for rule in each.get("rules", ())]
    readable = {
        (rule["apiGroups"][0], rule["resources"][0]) for rule in rules if "get" in rule["verbs"]
    }
    assert {(kind.group, kind.plural) for kind in KINDS.values()} <= readable
