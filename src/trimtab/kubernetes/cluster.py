"""One cluster: bounded calls to its API server, in the allowed namespaces only."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.infra.dependencies import Dependencies
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.errors import TrimtabError
from trimtab.kubernetes.api_errors import client_errors
from trimtab.kubernetes.errors import (
    KubernetesNotConfigured,
    KubernetesTimeout,
    KubernetesUnavailable,
    NamespaceNotAllowed,
    ObjectChanged,
    ObjectUnknown,
)

if TYPE_CHECKING:
    from lightkube import Client
    from lightkube.types import PatchType

FIELD_MANAGER = "trimtab"
_PAGE = 500
"""Objects in one page of a list."""


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A kind of objects, with the API versions that are tried, the newest first."""

    name: str
    group: str
    plural: str
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    newest_with: str = ""
    """An API version that came in the same release as the newest one here, where the group had that
    version before it had the kind."""


DEPLOYMENT = ObjectKind("Deployment", "apps", "deployments")
STATEFUL_SET = ObjectKind("StatefulSet", "apps", "statefulsets")
REPLICA_SET = ObjectKind("ReplicaSet", "apps", "replicasets")
CONTROLLER_REVISION = ObjectKind("ControllerRevision", "apps", "controllerrevisions")
NAMESPACE = ObjectKind("Namespace", "", "namespaces", namespaced=False)
POD = ObjectKind("Pod", "", "pods")
SERVICE = ObjectKind("Service", "", "services")
ENDPOINTS = ObjectKind("Endpoints", "", "endpoints")
CONFIG_MAP = ObjectKind("ConfigMap", "", "configmaps")
VOLUME_CLAIM = ObjectKind("PersistentVolumeClaim", "", "persistentvolumeclaims")
EVENT = ObjectKind("Event", "", "events")
NODE = ObjectKind("Node", "", "nodes", namespaced=False)
NETWORK_POLICY = ObjectKind("NetworkPolicy", "networking.k8s.io", "networkpolicies")
INGRESS = ObjectKind("Ingress", "networking.k8s.io", "ingresses")
STORAGE_CLASS = ObjectKind("StorageClass", "storage.k8s.io", "storageclasses", namespaced=False)
AUTOSCALER = ObjectKind(
    "HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers", ("v2", "v2beta2", "v1")
)
CRON_JOB = ObjectKind("CronJob", "batch", "cronjobs", ("v1", "v1beta1"), newest_with="v1.policy")
API_SERVICE = ObjectKind("APIService", "apiregistration.k8s.io", "apiservices", namespaced=False)

KINDS: Mapping[str, ObjectKind] = {
    kind.name.lower(): kind
    for kind in (
        DEPLOYMENT, STATEFUL_SET, REPLICA_SET, POD, SERVICE, ENDPOINTS, CONFIG_MAP, VOLUME_CLAIM,
        EVENT, NODE, NETWORK_POLICY, INGRESS, STORAGE_CLASS, AUTOSCALER, CRON_JOB,
    )
}  # fmt: skip
"""The kinds that can be named in an action, by their names in lower case."""

Object = dict[str, Any]
"""An object as the API server gives it, as JSON."""


class Cluster:
    """Calls the API server of one cluster; safe to use from many threads.

    Args:
        name: The context in the kubeconfig; empty for its current one or the pod's own cluster.
        settings: Limits and namespaces.
        dependencies: Circuit breakers of the process; None sends every call.
    """

    def __init__(
        self, name: str, settings: KubernetesSettings, dependencies: Dependencies | None = None
    ) -> None:
        self.name = name
        self._dependencies = dependencies
        self.label = name or "current"
        """Its name in labels of signals and in arguments of actions."""
        self._dependency = f"kubernetes {name}".rstrip()
        self._settings = settings
        self._client: Client | None = None
        self._versions: frozenset[str] | None = None
        self._lock = threading.Lock()

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Object:
        """Return an object; raises `ObjectUnknown`."""
        self._check(kind, namespace)
        client, resource = self.client(), self._resource(kind)
        with self._calling(f"{kind.name} {name}"):
            return _plain(client.get(resource, name, **_in(kind, namespace)))

    def find_all(
        self, kind: ObjectKind, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """Return the objects of a kind in a namespace, page by page."""
        self._check(kind, namespace)
        client, resource = self.client(), self._resource(kind)
        with self._calling(f"the list of {kind.plural}"):
            found = client.list(resource, labels=labels, chunk_size=_PAGE, **_in(kind, namespace))
            return [_plain(each) for each in found]

    def patch(
        self,
        kind: ObjectKind,
        namespace: str,
        name: str,
        patch: "Patch",
        *,
        dry_run: bool = False,
    ) -> Object:
        """Patch an object, or let the server only say what it would become."""
        self._check(kind, namespace)
        what = f"{kind.name} {name}"
        client, resource = self.client(), self._resource(kind)
        with self._calling(what), patch.tested(what):
            found = client.patch(
                resource, name, patch.document, patch_type=patch.type(),
                field_manager=FIELD_MANAGER, dry_run=dry_run, **_in(kind, namespace),
            )  # fmt: skip
            return _plain(found)

    def apply(
        self, kind: ObjectKind, manifest: Object, *, dry_run: bool = False, force: bool = False
    ) -> Object:
        """Apply a manifest on the server; with ``force`` also over the fields of other writers."""
        meta = manifest["metadata"]
        namespace, name = str(meta.get("namespace", "")), str(meta["name"])
        self._check(kind, namespace)
        client, resource = self.client(), self._resource(kind)
        version = f"{kind.group}/{self._version(kind)}".removeprefix("/")
        what = f"{kind.name} {name}"
        with client_errors(what, self._settings.request_seconds):
            body = resource.from_dict({**manifest, "kind": kind.name, "apiVersion": version})
        with self._calling(what):
            found = client.apply(
                body, field_manager=FIELD_MANAGER, force=force, dry_run=dry_run,
                **_in(kind, namespace),
            )  # fmt: skip
            return _plain(found)

    def delete(self, kind: ObjectKind, namespace: str, name: str) -> None:
        """Delete an object; raises `ObjectUnknown` when there is none."""
        self._check(kind, namespace)
        client, resource = self.client(), self._resource(kind)
        with self._calling(f"{kind.name} {name}"):
            client.delete(resource, name, **_in(kind, namespace))

    def evict(self, namespace: str, name: str, *, dry_run: bool = False) -> None:
        """Evict a pod; raises `ObjectChanged` when a disruption budget forbids it now."""
        self._check(POD, namespace)
        version = "v1" if "v1.policy" in self._offered_versions() else "v1beta1"
        body = _eviction(version)({"metadata": {"name": name, "namespace": namespace}})
        client = self.client()
        with self._calling(f"Pod {name}"):
            client.create(body, name, namespace=namespace, dry_run=dry_run)

    def logs(self, namespace: str, name: str, container: str, lines: int) -> str:
        """Return the last lines of a container's log."""
        self._check(POD, namespace)
        client = self.client()
        with self._calling(f"the log of {name}"):
            found = client.log(
                name, namespace=namespace, container=container or None, tail_lines=lines
            )
            return "\n".join(line.rstrip("\n") for line in found)

    def serves(self, kind: ObjectKind) -> bool:
        """Return whether the server offers the kind in a version that is known here."""
        served = self._offered_versions()
        return not kind.group or any(f"{each}.{kind.group}" in served for each in kind.versions)

    def forget_versions(self) -> None:
        """Ask again which API versions the server offers: an API may be added or taken away."""
        self._versions = None

    def client(self) -> Any:
        """Return the client, which is made at the first call.

        Its methods are overloaded by classes that are made at run time here, so it is not typed.
        """
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connect(self) -> "Client":
        try:
            import httpx2
            from lightkube import Client, ConfigError, KubeConfig
            from yaml import YAMLError
        except ImportError as missing:
            raise KubernetesNotConfigured(
                f"The package {missing.name} is not installed.",
                hint="Install `trimtab[kubernetes]`.",
            ) from None
        path = self._settings.kubeconfig
        try:
            config = (
                KubeConfig.from_file(Path(path).expanduser())
                if path
                else KubeConfig.from_service_account()
            )
            chosen = config.get(context_name=self.name or None)
            return Client(
                config=chosen,
                timeout=httpx2.Timeout(self._settings.request_seconds),
                field_manager=FIELD_MANAGER,
                trust_env=False,
            )
        # The client expects a mapping of the right form.
        except (
            ConfigError,
            OSError,
            ValueError,
            LookupError,
            AttributeError,
            TypeError,
            YAMLError,
        ) as error:
            raise KubernetesNotConfigured(
                f"The kubeconfig of {self.name or 'the cluster'} cannot be read: {error}"
            ) from None

    def _offered_versions(self) -> frozenset[str]:
        """Return the versions of the API groups that the server offers, such as ``v1.apps``."""
        if self._versions is None:
            self._versions = frozenset(
                str(each["metadata"]["name"]) for each in self._list_api_services()
            )
        return self._versions

    def _list_api_services(self) -> list[Object]:
        client = self.client()
        with self._calling("the list of API versions"):
            return [_plain(each) for each in client.list(_resource(API_SERVICE, "v1"))]

    def _version(self, kind: ObjectKind) -> str:
        if not kind.group or len(kind.versions) == 1:
            return kind.versions[0]
        served = self._offered_versions()
        known = kind.versions[1:] if kind.newest_with not in ("", *served) else kind.versions
        offered = [each for each in known if f"{each}.{kind.group}" in served]
        if not offered:
            raise ObjectUnknown(f"The cluster offers no {kind.name} in {', '.join(kind.versions)}.")
        return offered[0]

    def _resource(self, kind: ObjectKind) -> Any:
        return _resource(kind, self._version(kind))

    def _check(self, kind: ObjectKind, namespace: str) -> None:
        allowed = self._settings.namespaces
        if kind.namespaced and namespace not in allowed:
            raise NamespaceNotAllowed(
                f"The namespace {namespace!r} is not one that trimtab may use.",
                hint=f"`kubernetes.namespaces` names: {', '.join(allowed) or 'none'}.",
            )

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        """Refuse the call while the breaker is open; raise the client's errors as ours.

        One call at a time: a call inside another one would find its probe taken.
        """
        known = self._dependencies
        breaker = known.breaker(self._dependency) if known else None
        if breaker and not breaker.allow():
            raise KubernetesUnavailable(
                f"The API server is not asked for {what}: it failed several times in a row.",
                hint="It is tried again by itself; `trimtab read service.dependency.breaker` "
                "tells its state.",
            )
        try:
            with client_errors(what, self._settings.request_seconds):
                yield
        except (KubernetesUnavailable, KubernetesTimeout):
            if known:
                known.note_failure(self._dependency)
            raise
        except TrimtabError:
            if breaker:
                breaker.record_success()  # A refusal is an answer.
            raise
        if breaker:
            breaker.record_success()


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of an object: a document, and how the server merges it."""

    document: Any
    kind: str = "merge"
    """``merge``, ``strategic`` (lists by their keys) or ``json`` (a list of operations)."""

    @contextmanager
    def tested(self, what: str) -> Iterator[None]:
        """Raise `ObjectChanged` when the server found an operation ``test`` to fail."""
        from lightkube import ApiError

        try:
            yield
        except ApiError as error:
            # The server does not say which operation it was; the others are always possible.
            if self.kind == "json" and error.status.code == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise ObjectChanged(f"{what} was changed since it was looked at.") from None
            raise

    def type(self) -> "PatchType":
        """Return the type as the client names it."""
        from lightkube.types import PatchType

        return {
            "merge": PatchType.MERGE,
            "strategic": PatchType.STRATEGIC,
            "json": PatchType.JSON,
        }[self.kind]


@lru_cache(maxsize=100)
def _resource(kind: ObjectKind, version: str) -> Any:
    """Return the client's class for a kind.

    The client's own classes would drop fields that are newer than they are; these keep an object
    as the server gives it. They stay out of the client's registry, which holds its own.
    """
    from lightkube.generic_resource import (
        GenericGlobalResource,
        GenericNamespacedResource,
        create_api_info,
    )

    base = GenericNamespacedResource if kind.namespaced else GenericGlobalResource
    info = create_api_info(kind.group, version, kind.name, kind.plural)
    return type(kind.name, (base,), {"_api_info": info})


@lru_cache(maxsize=2)
def _eviction(version: str) -> Any:
    """Return the client's class for the eviction of a pod, in a version of the API group policy."""
    from lightkube.core.resource import ApiInfo, NamespacedSubResource, ResourceDef
    from lightkube.generic_resource import Generic

    info = ApiInfo(
        resource=ResourceDef("policy", version, "Eviction"),
        parent=ResourceDef("", "v1", "Pod"),
        plural="pods",
        verbs=["post"],
        action="eviction",
    )
    return type("Eviction", (NamespacedSubResource, Generic), {"_api_info": info})


def _in(kind: ObjectKind, namespace: str) -> dict[str, str]:
    return {"namespace": namespace} if kind.namespaced else {}


def _plain(found: Any) -> Object:
    return dict(found.to_dict())
