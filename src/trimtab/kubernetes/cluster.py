"""One cluster: bounded calls to its API server, in the allowed namespaces only."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.errors import TrimtabError
from trimtab.kubernetes.errors import (
    ChangeRefused,
    CredentialsRefused,
    KubernetesNotConfigured,
    KubernetesTimeout,
    KubernetesUnavailable,
    NamespaceNotAllowed,
    ObjectChanged,
    ObjectUnknown,
    VerbForbidden,
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
    """

    def __init__(self, name: str, settings: KubernetesSettings) -> None:
        self.name = name
        self.label = name or "current"
        """Its name in labels of signals and in arguments of actions."""
        self._settings = settings
        self._client: Client | None = None
        self._versions: frozenset[str] | None = None
        self._lock = threading.Lock()

    def get(self, kind: ObjectKind, namespace: str, name: str) -> Object:
        """Return an object; raises `ObjectUnknown`."""
        self._check(kind, namespace)
        with self._mapped(f"{kind.name} {name}"):
            found = self.client().get(self._resource(kind), name, **_in(kind, namespace))
            return _plain(found)

    def find_all(
        self, kind: ObjectKind, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """Return the objects of a kind in a namespace, page by page."""
        self._check(kind, namespace)
        with self._mapped(f"the list of {kind.plural}"):
            found = self.client().list(
                self._resource(kind), labels=labels, chunk_size=_PAGE, **_in(kind, namespace)
            )
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
        with self._mapped(what), patch.tested(what):
            found = self.client().patch(
                self._resource(kind), name, patch.document, patch_type=patch.type(),
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
        with self._mapped(f"{kind.name} {name}"):
            version = f"{kind.group}/{self._version(kind)}".removeprefix("/")
            body = self._resource(kind).from_dict(
                {**manifest, "kind": kind.name, "apiVersion": version}
            )
            found = self.client().apply(
                body, field_manager=FIELD_MANAGER, force=force, dry_run=dry_run,
                **_in(kind, namespace),
            )  # fmt: skip
            return _plain(found)

    def delete(self, kind: ObjectKind, namespace: str, name: str) -> None:
        """Delete an object; raises `ObjectUnknown` when there is none."""
        self._check(kind, namespace)
        with self._mapped(f"{kind.name} {name}"):
            self.client().delete(self._resource(kind), name, **_in(kind, namespace))

    def evict(self, namespace: str, name: str, *, dry_run: bool = False) -> None:
        """Evict a pod; raises `ObjectChanged` when a disruption budget forbids it now."""
        self._check(POD, namespace)
        version = "v1" if "v1.policy" in self._offered_versions() else "v1beta1"
        body = _eviction(version)({"metadata": {"name": name, "namespace": namespace}})
        with self._mapped(f"Pod {name}"):
            self.client().create(body, name, namespace=namespace, dry_run=dry_run)

    def logs(self, namespace: str, name: str, container: str, lines: int) -> str:
        """Return the last lines of a container's log."""
        self._check(POD, namespace)
        with self._mapped(f"the log of {name}"):
            found = self.client().log(
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

    def _list_api_services(self) -> Iterator[Object]:
        with self._mapped("the list of API versions"):
            resource = _resource(API_SERVICE, "v1")
            yield from (_plain(each) for each in self.client().list(resource))

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
    def _mapped(self, what: str) -> Iterator[None]:
        """Raise the errors of the client as ours."""
        import httpx2
        from lightkube import ApiError
        from msgspec import MsgspecError

        try:
            yield
        except ApiError as error:
            raise _refusal(what, error.status.code or 0, error.status.message or "") from None
        except httpx2.TimeoutException:
            raise KubernetesTimeout(
                f"The API server did not answer for {what} in {self._settings.request_seconds:g} s."
            ) from None
        except httpx2.HTTPStatusError as error:
            raise _refusal(what, error.response.status_code, error.response.text[:200]) from None
        except (httpx2.HTTPError, MsgspecError, LookupError, ValueError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise KubernetesUnavailable(
                f"The API server cannot be asked for {what}: {reason}"
            ) from None


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


_REFUSALS: Mapping[int, tuple[type[TrimtabError], str]] = {
    401: (CredentialsRefused, "The API server refused the credentials for"),
    403: (VerbForbidden, "The role in the cluster does not allow"),
    404: (ObjectUnknown, "The cluster does not have"),
    408: (KubernetesTimeout, "The API server did not answer in time for"),
    409: (ObjectChanged, "The cluster cannot change now"),
    410: (ObjectUnknown, "The cluster no longer has"),
    429: (ObjectChanged, "The cluster cannot change now"),
    504: (KubernetesTimeout, "The API server did not answer in time for"),
}


def _refusal(what: str, code: int, message: str) -> TrimtabError:
    """Return the error for a status of the API server."""
    text = message.splitlines()[0][:500] if message else f"HTTP {code}"
    fallback: tuple[type[TrimtabError], str] = (
        (KubernetesUnavailable, "The API server failed for")
        if code >= 500
        else (ChangeRefused, "The API server refused")
    )
    error, words = _REFUSALS.get(code, fallback)
    return error(f"{words} {what}: {text}")
