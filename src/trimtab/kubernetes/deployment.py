"""Renders the manifests of `deploy/kubernetes`, which run trimtab itself in a cluster.

The files are a kustomize base and components. This renders what `kubectl kustomize` does with them,
so that a cluster's administrator needs neither a checkout nor kustomize: resources, merge patches,
another namespace and another image.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from trimtab.infra.shipped import shipped
from trimtab.infra.yaml_loader import SafeLoader
from trimtab.kernel.errors import InvalidInput
from trimtab.kubernetes.rbac import manifests, usual_actions
from trimtab.kubernetes.scale import scale_manifests

Manifest = dict[str, Any]
COMPONENTS: Mapping[str, str] = {
    "chromadb": "a Chroma server for the vectors",
    "cluster-access": "a role to read and, after approval, change the namespace's workloads",
    "schedules": "the regular jobs as CronJobs",
    "service-monitor": "scraping by the Prometheus operator",
    "six-hour-restart": "a restart every six hours, until a date",
}
"""What can be added to the process itself, by folder."""
NAMESPACE, IMAGE, NAME = "production", "knowledgebeast:latest", "knowledgebeast"
"""What the files name."""
_CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding")
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[a-z0-9][\w./:@-]{0,500}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Components, namespace and image of a deployment.

    Attributes:
        components: Names of `COMPONENTS`.
        namespace: Where all objects are.
        image: The image of trimtab.
        scale: Whether there are several processes by role, on PostgreSQL, instead of one.
        until: The date on which the restarts of `six-hour-restart` end; None keeps the files' one.
    """

    components: Sequence[str] = ()
    namespace: str = NAMESPACE
    image: str = IMAGE
    until: date | None = None
    scale: bool = False

    def __post_init__(self) -> None:
        for name in self.components:
            if name not in COMPONENTS:
                raise InvalidInput(
                    f"There is no component {name!r}.",
                    hint=f"Name one of: {', '.join(COMPONENTS)}.",
                )
        if not _NAMESPACE.fullmatch(self.namespace):
            raise InvalidInput(
                f"{self.namespace!r} is not the name of a namespace.",
                hint="Use at most 63 lower-case letters, digits and hyphens.",
            )
        if not _IMAGE.fullmatch(self.image):
            raise InvalidInput(
                f"{self.image!r} is not the name of an image.",
                hint="Write it as registry/name:tag, such as registry.example/knowledgebeast:1.2.",
            )


def render(request: Deployment, folder: Path | None = None) -> list[Manifest]:
    """Return the objects in the order in which they are applied.

    Args:
        request: Components, namespace and image.
        folder: The folder of the files; by default the shipped one.
    """
    files = folder or shipped("deploy") / "kubernetes"
    found: dict[tuple[str, str], Manifest] = {}
    process = "scale" if request.scale else "base"
    for name in (process, *dict.fromkeys(request.components)):
        _add(files / name, found)
    made = list(found.values())
    for each in made:
        _place(each, request.namespace)
        for container in _containers(each):
            if container["image"] == IMAGE:
                container["image"] = request.image
            if request.until and "--until" in container.get("args", ()):
                container["args"][-1] = request.until.isoformat()
    return made


def cluster_access() -> list[Manifest]:
    """Return the role and bindings of the component `cluster-access`, made from the actions."""
    made = [
        each
        for each in manifests(usual_actions(), [NAMESPACE], NAME, NAMESPACE)
        if each["kind"] != "ServiceAccount"
    ]
    for each in made:
        # Two installations in one cluster must not share a binding.
        if each["kind"] in _CLUSTER_WIDE:
            each["metadata"]["name"] = f"{NAME}-{NAMESPACE}"
        if each["kind"] == "ClusterRoleBinding":
            each["roleRef"]["name"] = f"{NAME}-{NAMESPACE}"
    return made


def _add(folder: Path, found: dict[tuple[str, str], Manifest]) -> None:
    (listed,) = _objects(folder / "kustomization.yaml")
    for name in listed["resources"]:
        for each in _objects(folder / name):
            found[each["kind"], each["metadata"]["name"]] = each
    for patch in listed.get("patches", ()):
        for each in _objects(folder / patch["path"]):
            key = each["kind"], each["metadata"]["name"]
            found[key] = _merged(found[key], each)


def _objects(file: Path) -> Iterator[Manifest]:
    import yaml

    text = file.read_text(encoding="utf-8")
    yield from yaml.load_all(text, Loader=SafeLoader)


def _merged(whole: Manifest, patch: Manifest) -> Manifest:
    """Return the object with a merge patch (RFC 7386) that removes nothing."""
    both = {
        name: _merged(whole[name], value) if isinstance(whole.get(name), dict) else value
        for name, value in patch.items()
    }
    return {**whole, **both}


def _place(each: Manifest, namespace: str) -> None:
    meta = each["metadata"]
    if each["kind"] in _CLUSTER_WIDE:
        meta["name"] = f"{NAME}-{namespace}"
    else:
        meta["namespace"] = namespace
    for subject in each.get("subjects", ()):
        subject["namespace"] = namespace
    if each["kind"] == "ClusterRoleBinding":
        each["roleRef"]["name"] = f"{NAME}-{namespace}"


def _containers(each: Manifest) -> Iterable[Manifest]:
    spec = each.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: list[Manifest] = spec.get("template", {}).get("spec", {}).get("containers", [])
    return found


def main() -> None:
    """Write the role of `cluster-access` and the processes of `scale` into the repository."""
    import yaml

    folder = Path("deploy") / "kubernetes"
    scale = scale_manifests(render(Deployment(), folder))
    for name, made, source in (
        ("cluster-access/role.yaml", cluster_access(), "what the actions need"),
        ("scale/processes.yaml", scale, "the one process and the table of workloads"),
    ):
        text = yaml.safe_dump_all(made, sort_keys=False)
        comment = f"# Written by `make manifests`, from {source}.\n"
        (folder / name).write_text(comment + text, "utf-8")


if __name__ == "__main__":
    main()
