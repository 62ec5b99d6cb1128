"""Changes of configuration: ConfigMaps, volumes and nodes."""

import re
from decimal import Decimal

from trimtab.kernel.errors import InvalidInput
from trimtab.kubernetes.cluster import (
    DEPLOYMENT,
    STATEFUL_SET,
    STORAGE_CLASS,
    Cluster,
    Object,
    Patch,
)
from trimtab.kubernetes.errors import ChangeRefused

_QUANTITY = re.compile(r"^(\d{1,15}(?:\.\d{1,9})?)([num]|[kMGTPE]|[KMGTPE]i)?$")
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}


def quantity(text: str) -> Decimal:
    """Return a quantity such as ``500m``, ``4Gi`` or ``2`` as a number; raises `InvalidInput`."""
    match = _QUANTITY.match(text)
    if match is None:
        raise InvalidInput(f"{text!r} is not a quantity.", hint="Write it as 500m, 2 or 4Gi.")
    return Decimal(match[1]) * _FACTORS[match[2] or ""]


def users_of(cluster: Cluster, namespace: str, config_map: str) -> tuple[str, ...]:
    """Return the workloads whose pods read a ConfigMap, which they do at their start."""
    return tuple(
        f"{kind.name} {each['metadata']['name']}"
        for kind in (DEPLOYMENT, STATEFUL_SET)
        for each in cluster.find_all(kind, namespace)
        if _reads(each["spec"]["template"]["spec"], config_map)
    )


def _reads(spec: Object, config_map: str) -> bool:
    volumes = [(each.get("configMap") or {}).get("name") for each in spec.get("volumes") or ()]
    sources = [
        (source.get("configMapRef") or {}).get("name")
        for container in spec["containers"]
        for source in container.get("envFrom") or ()
    ]
    keys = [
        ((entry.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name")
        for container in spec["containers"]
        for entry in container.get("env") or ()
    ]
    return config_map in {*volumes, *sources, *keys}


def grow_patch(cluster: Cluster, claim: Object, size: str) -> Patch:
    """Return the patch that requests more room for a volume.

    Raises:
        ChangeRefused: It would shrink, or its storage class does not allow expansion.
    """
    name = claim["metadata"]["name"]
    now = str(claim["spec"]["resources"]["requests"]["storage"])
    if quantity(size) < quantity(now):
        raise ChangeRefused(
            f"{name} has {now} and cannot shrink to {size}.", hint="Make a new volume and copy."
        )
    class_name = str(claim["spec"].get("storageClassName") or "")
    found = cluster.get(STORAGE_CLASS, "", class_name) if class_name else {}
    if not found.get("allowVolumeExpansion"):
        raise ChangeRefused(
            f"The storage class {class_name or '(none)'} of {name} does not allow expansion.",
            hint="Set allowVolumeExpansion on the class, or make a new volume and copy.",
        )
    return Patch({"spec": {"resources": {"requests": {"storage": size}}}})
