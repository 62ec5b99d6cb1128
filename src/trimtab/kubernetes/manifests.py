"""Makes an object again from a manifest in the folder of the settings."""

from pathlib import Path

import yaml

from trimtab.infra.shipped import shipped
from trimtab.infra.yaml_loader import SafeLoader
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import (
    Action,
    ActionContext,
    ActionResult,
    Arguments,
    Effect,
    Param,
    Risk,
)
from trimtab.kernel.roles import Role
from trimtab.kubernetes.cluster import (
    AUTOSCALER,
    CONFIG_MAP,
    SERVICE,
    Cluster,
    Object,
)
from trimtab.kubernetes.diff import differences
from trimtab.kubernetes.errors import ChangeRefused, ObjectUnknown
from trimtab.kubernetes.targets import WHERE, Targets

_KINDS = {
    "service": SERVICE,
    "configmap": CONFIG_MAP,
    "horizontalpodautoscaler": AUTOSCALER,
}
"""Objects that can be made again without a loss: they run nothing and store no data."""


def manifest_actions(targets: Targets) -> tuple[Action, ...]:
    """Return the action that applies a manifest."""

    def apply(given: Arguments, context: ActionContext, *, dry: bool = False) -> ActionResult:
        cluster = targets.clusters.cluster(str(given["cluster"]))
        settings = targets.clusters.settings
        namespace = str(given["namespace"]) or next(iter(settings.namespaces), "")
        kind = _KINDS[str(given["kind"])]
        manifest = _manifest(settings.manifests, str(given["name"]), kind.name, namespace)
        before = _present(cluster, manifest, str(given["kind"]))
        what = f"{kind.name} {namespace}/{given['name']}"
        lines: tuple[str, ...] = ()
        if not _is_there(before, manifest):
            lines = differences(before, cluster.apply(kind, manifest, dry_run=True, force=True))
        if before and not lines:
            return ActionResult(f"{what} is as in its manifest already.", changes=False)
        if not dry:
            cluster.apply(kind, manifest, force=True)
        verb = "would be" if dry else "was"
        done = "put back to its manifest" if before else "made from its manifest"
        return ActionResult(f"{what} {verb} {done}.", {"difference": list(lines)})

    return (
        Action(
            "k8s.apply",
            "Make a Service, ConfigMap or autoscaler again from its manifest NAME-KIND.yaml.",
            Risk.APPROVAL,
            apply,
            lambda given, context: apply(given, context, dry=True),
            (
                Param("name", "string", "The object, and the first part of the file's name."),
                Param("kind", "string", "What it is.", "service", choices=tuple(_KINDS)),
                *WHERE,
            ),
            no_undo_because="the manifest is the state that people have agreed on",
            effect=Effect.REPEATABLE,
            role=Role.ADMIN,
        ),
    )


def _is_there(before: Object, manifest: Object) -> bool:
    """Return whether an autoscaler is as in its manifest.

    Raises:
        ChangeRefused: It is not, and the server is too old to put it back: Kubernetes 1.20 adds the
            metrics of the manifest to those that the autoscaler has.
    """
    if not before or manifest["kind"] != AUTOSCALER.name:
        return False
    if _contains(before["spec"], manifest["spec"]):
        return True
    if before.get("apiVersion") != "autoscaling/v2":
        raise ChangeRefused(
            f"This server cannot put the autoscaler {manifest['metadata']['name']} back.",
            hint="Delete it with kubectl, then repeat the action.",
        )
    return False


def _contains(found: object, expected: object) -> bool:
    """Return whether everything that is expected is there; the server fills in more."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            _contains(found.get(name), value) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(_contains, found, expected))
        )
    return found == expected


def _manifest(folder: str, name: str, kind: str, namespace: str) -> Object:
    file = f"{name}-{kind.lower()}.yaml"
    if Path(file).name != file:
        raise InvalidInput(f"{name!r} is not the name of an object.")
    path = (Path(folder).expanduser() if folder else shipped("deployments") / "kubernetes") / file
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), SafeLoader)  # noqa: S506 - it is one.
    except OSError:
        raise ObjectUnknown(
            f"There is no manifest {file}.",
            hint=f"Put it into {path.parent}; `kubernetes.manifests` names another folder.",
        ) from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{file} is not YAML: {error}") from None
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise InvalidInput(f"{file} does not describe one {kind}.")
    meta = dict(found.get("metadata") or {})
    if meta.get("name") != name:
        raise InvalidInput(f"{file} describes {meta.get('name')!r}, not {name!r}.")
    return {**found, "metadata": {**meta, "namespace": namespace}}


def _present(cluster: Cluster, manifest: Object, kind: str) -> Object:
    meta = manifest["metadata"]
    try:
        return cluster.get(_KINDS[kind], meta["namespace"], meta["name"])
    except ObjectUnknown:
        return {}
