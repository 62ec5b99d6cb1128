"""Tells whether the network policies of a namespace let pods reach a port of other pods."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trimtab.kubernetes.cluster import Object

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PortAccess:
    """Verdict on a port: open to some pods or not, and which policies say so.

    Attributes:
        open: None when a policy names namespaces or addresses, which pods may or may not have.
        policies: Names of the policies that select the pods.
    """

    open: bool | None
    policies: tuple[str, ...]


def reach(policies: Sequence[Object], target: Labels, source: Labels, port: int) -> PortAccess:
    """Return whether pods with the labels ``source`` reach a TCP port of pods ``target``.

    Without a policy that selects the target, every port is open.

    Args:
        policies: Of the namespace that holds both.
        target: Labels of the pods that are called.
        source: Labels of the pods that call.
        port: Its number.
    """
    selecting = [each for each in policies if _selects(each, target)]
    names = tuple(sorted(str(each["metadata"]["name"]) for each in selecting))
    if not selecting:
        return PortAccess(open=True, policies=names)
    answers = [
        _peers_match(rule, source)
        for each in selecting
        for rule in each["spec"].get("ingress") or ()
        if _port_matches(rule, port)
    ]
    if True in answers:
        return PortAccess(open=True, policies=names)
    return PortAccess(open=None if None in answers else False, policies=names)


def _selects(policy: Object, target: Labels) -> bool:
    spec = policy["spec"]
    kinds = spec.get("policyTypes") or ("Ingress",)
    return "Ingress" in kinds and _matches(spec.get("podSelector") or {}, target)


def _port_matches(rule: Object, port: int) -> bool:
    ports = rule.get("ports")
    return not ports or any(_is_port(each, port) for each in ports)


def _is_port(entry: Object, port: int) -> bool:
    if entry.get("protocol", "TCP") != "TCP":
        return False
    first = entry.get("port")
    if first is None:
        return True
    return first == port or (
        isinstance(first, int) and first <= port <= entry.get("endPort", first)
    )


def _peers_match(rule: Object, source: Labels) -> bool | None:
    peers = rule.get("from")
    if not peers:
        return True
    answers = list(_peer_answers(peers, source))
    return True if True in answers else None if None in answers else False


def _peer_answers(peers: Sequence[Object], source: Labels) -> Iterator[bool | None]:
    for peer in peers:
        pods = peer.get("podSelector")
        matched = pods is None or _matches(pods, source)
        if "ipBlock" in peer or peer.get("namespaceSelector"):
            yield None if matched else False
        else:
            yield matched


def _matches(selector: Object, labels: Labels) -> bool:
    required = selector.get("matchLabels") or {}
    return required.items() <= labels.items() and all(
        _meets(each, labels) for each in selector.get("matchExpressions") or ()
    )


def _meets(requirement: Object, labels: Labels) -> bool:
    key, values = requirement["key"], requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
