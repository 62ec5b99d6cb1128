"""What the API server refuses: wrong credentials, verbs that the role lacks, objects that are gone."""

from dataclasses import replace

import pytest
import yaml

from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kubernetes.cluster import DEPLOYMENT, POD, Cluster, ObjectKind
from trimtab.kubernetes.cluster import KINDS as OBJECTS
from trimtab.kubernetes.cluster_state import ClusterStates
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import (
    CredentialsRefused,
    NamespaceNotAllowed,
    ObjectUnknown,
    VerbForbidden,
)
from trimtab.kubernetes.rbac import manifests

SECRET = ObjectKind("Secret", "", "secrets")
RBAC = "rbac.authorization.k8s.io"
KINDS = {
    "ServiceAccount": ObjectKind("ServiceAccount", "", "serviceaccounts"),
    "Role": ObjectKind("Role", RBAC, "roles"),
    "RoleBinding": ObjectKind("RoleBinding", RBAC, "rolebindings"),
    "ClusterRole": ObjectKind("ClusterRole", RBAC, "clusterroles", namespaced=False),
    "ClusterRoleBinding": ObjectKind(
        "ClusterRoleBinding", RBAC, "clusterrolebindings", namespaced=False
    ),
}


def with_token(kubeconfig, path, token):
    document = yaml.safe_load(kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    path.write_text(yaml.safe_dump(document))
    return str(path)


def restricted(world, tmp_path, kubeconfig, actions, **settings):
    """Return a world whose credentials hold exactly the printed role."""
    import base64

    name = world.namespace
    made = manifests(actions, [name], name, name)
    for manifest in made:
        world.cluster.apply(KINDS[manifest["kind"]], manifest)

    def token():
        for each in world.cluster.find_all(SECRET, name):
            if (
                each["metadata"].get("annotations", {}).get("kubernetes.io/service-account.name")
                == name
            ):
                return base64.b64decode(each["data"]["token"]).decode()
        return ""

    world.wait(token)
    # The server learns of a role a moment after it has stored it.
    rules = [rule for each in made if each["kind"] == "Role" for rule in each["rules"]]
    world.wait(lambda: all(world.allows(name, each) for each in attributes_of(rules, name)))
    path = with_token(kubeconfig, tmp_path / "kubeconfig", token())
    return type(world)(path, name, **settings)


def attributes_of(rules, namespace):
    for rule in rules:
        resource, _, part = rule["resources"][0].partition("/")
        yield {
            "verb": rule["verbs"][-1],
            "group": rule["apiGroups"][0],
            "resource": resource,
            "subresource": part,
            "namespace": namespace,
        }


def test_an_expired_token_is_named_as_such(world, kubeconfig, tmp_path):
    path = with_token(kubeconfig, tmp_path / "kubeconfig", "expired")
    clusters = Clusters(replace(world.settings, kubeconfig=path))
    with pytest.raises(CredentialsRefused, match="refused the credentials"):
        clusters.cluster().find_all(POD, world.namespace)
    states = ClusterStates(clusters, SystemClock())
    states.refresh()
    assert [sample.value for sample in states.samples("up")] == [0.0]
    assert not list(states.samples("ready"))
    clusters.close()


def test_the_printed_role_is_enough_for_its_actions_and_for_no_other(world, kubeconfig, tmp_path):
    world.deploy("web", env=[{"name": "A", "value": "1"}])
    world.wait_ready("web", 2)
    narrow = restricted(world, tmp_path, kubeconfig, ["k8s.delete_pod", "k8s.history"])
    narrow.states.refresh()
    assert narrow.states.errors == {}
    assert narrow.dry_run("k8s.history", name="web").facts["images"]
    narrow.run("k8s.delete_pod", "act", name=world.pods("web")[0])
    with pytest.raises(VerbForbidden, match="cannot patch resource"):
        narrow.run("k8s.scale", "act", name="web", replicas=3)
    with pytest.raises(VerbForbidden):
        narrow.cluster.delete(DEPLOYMENT, world.namespace, "web")
    narrow.disconnect()
    everything = restricted(world, tmp_path, kubeconfig, list(world.catalog.actions))
    everything.run("k8s.scale", "act", name="web", replicas=3)
    for kind in OBJECTS.values():
        with pytest.raises(ObjectUnknown):
            everything.dry_run("k8s.describe", name="nothing", kind=kind.name.lower())
    with pytest.raises(VerbForbidden):
        everything.cluster.find_all(SECRET, world.namespace)
    everything.disconnect()


def test_an_object_that_is_deleted_between_plan_and_act_is_unknown(world):
    world.deploy("web")
    assert world.dry_run("k8s.scale", name="web", replicas=3).changes
    world.cluster.delete(DEPLOYMENT, world.namespace, "web")
    with pytest.raises(ObjectUnknown, match="Deployment web"):
        world.run("k8s.scale", "act", name="web", replicas=3)


def test_other_namespaces_are_out_of_reach(world):
    with pytest.raises(NamespaceNotAllowed, match="'kube-system'"):
        world.dry_run("k8s.describe", name="x", namespace="kube-system")
    with pytest.raises(NamespaceNotAllowed):
        world.cluster.find_all(POD, "")


def test_an_api_that_the_server_does_not_offer_is_told(world):
    kind = ObjectKind("Widget", "example.com", "widgets", ("v2", "v1"))
    assert not world.cluster.serves(kind)
    with pytest.raises(ObjectUnknown, match="offers no Widget in v2, v1"):
        world.cluster.find_all(kind, world.namespace)


def test_a_thousand_pods_are_read_page_by_page(world):
    template = {"metadata": {"labels": {"app": "many"}}, "spec": {"nodeSelector": {"no": "node"}}}
    template["spec"]["containers"] = [{"name": "main", "image": "a:1"}]
    spec = {"replicas": 1000, "selector": {"matchLabels": {"app": "many"}}, "template": template}
    world.apply(DEPLOYMENT, "many", spec=spec)
    world.wait(lambda: len(world.cluster.find_all(POD, world.namespace)) == 1000, 100)
    assert world.read("k8s.pods", phase="Pending") == 1000.0


def test_a_context_that_is_not_in_the_file_is_told(kubeconfig):
    from trimtab.kubernetes.errors import KubernetesNotConfigured

    settings = KubernetesSettings(enabled=True, kubeconfig=str(kubeconfig))
    with pytest.raises(KubernetesNotConfigured, match="nowhere"):
        Cluster("nowhere", settings).find_all(POD, "production")
