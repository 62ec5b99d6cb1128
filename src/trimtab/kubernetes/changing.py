"""One change of one object, with its dry run on the server and a run that is never doubled."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trimtab.kernel.operable import ActionContext, ActionResult, Arguments, Value
from trimtab.kubernetes.cluster import Cluster, Object, ObjectKind, Patch
from trimtab.kubernetes.diff import differences

ACT = "trimtab.io/act"
"""Annotation with the key of the act that changed the object."""
BEFORE = "trimtab.io/before"
"""Annotation with what undoes that act, as JSON: a repeated act finds it here."""
_MARKS = (ACT, BEFORE)


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """Cluster, kind, namespace and name of an object."""

    cluster: Cluster
    kind: ObjectKind
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.kind.namespaced else ""
        return f"{self.kind.name} {place}{self.name}"

    def get(self) -> Object:
        """Return the object as it is now."""
        return self.cluster.get(self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """Change of an object, computed from its present state.

    Attributes:
        target: The object.
        patch: The change.
        text: What it is, such as "scaled to 5 replicas".
        undo: The arguments that put the former state back; None when nothing can.
        notes: Warnings for the person who decides.
    """

    target: ObjectReference
    patch: Patch
    text: str
    undo: Mapping[str, Value] | None = None
    notes: tuple[str, ...] = ()


MakeChange = Callable[[Arguments, ActionContext, Object], ObjectChange]
"""Returns the change of an object for these arguments."""
FindTarget = Callable[[Arguments], ObjectReference]


@dataclass(frozen=True, slots=True)
class Edit:
    """Dry run, run and undo of one kind of change of an object.

    Attributes:
        find: Returns the object's place.
        make: Computes the change from the object's present state.
    """

    find: FindTarget
    make: MakeChange

    def dry_run(self, given: Arguments, context: ActionContext) -> ActionResult:
        """Let the server say what the object would become."""
        before = self.find(given).get()
        change = self.make(given, context, before)
        lines = differences(before, _send(change, change.patch, dry_run=True))
        text = (
            f"{change.target} would be {change.text}."
            if lines
            else f"{change.target} is as wanted already."
        )
        return ActionResult(text, _facts(change, lines), changes=bool(lines))

    def run(self, given: Arguments, context: ActionContext) -> ActionResult:
        """Change the object; the same act repeated changes nothing and still knows its undo."""
        target = self.find(given)
        before = target.get()
        marks = before["metadata"].get("annotations") or {}
        if marks.get(ACT) == context.idempotency_key:
            undo = json.loads(marks.get(BEFORE) or "null")
            return ActionResult(f"{target} was changed by this act already.", {}, undo)
        change = self.make(given, context, before)
        if not differences(before, _send(change, change.patch, dry_run=True)):
            return ActionResult(f"{target} is as wanted already.", {}, changes=False)
        marked = _marked(change.patch, context.idempotency_key, change.undo)
        lines = _unmarked(differences(before, _send(change, marked)))
        return ActionResult(f"{target} was {change.text}.", _facts(change, lines), change.undo)

    def undo(self, given: Arguments, context: ActionContext) -> ActionResult:
        """Make the change with the former values, as an act of its own."""
        key = f"{context.idempotency_key}/undo"
        return self.run(given, ActionContext(key, context.actor, context.component))


def _send(change: ObjectChange, patch: Patch, *, dry_run: bool = False) -> Object:
    target = change.target
    return target.cluster.patch(target.kind, target.namespace, target.name, patch, dry_run=dry_run)


def _facts(change: ObjectChange, lines: tuple[str, ...]) -> dict[str, object]:
    facts: dict[str, object] = {"difference": list(lines)}
    if change.notes:
        facts["warnings"] = list(change.notes)
    return facts


def _unmarked(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in lines if not any(mark in line.split(":")[0] for mark in _MARKS))


def _marked(patch: Patch, key: str, undo: Mapping[str, Value] | None) -> Patch:
    """Return the patch that also notes the act and its undo on the object."""
    marks = {ACT: key, BEFORE: json.dumps(dict(undo) if undo is not None else None)}
    if patch.kind == "json":
        added = [
            {
                "op": "add",
                "path": f"/metadata/annotations/{name.replace('/', '~1')}",
                "value": value,
            }
            for name, value in marks.items()
        ]
        return Patch([*patch.document, *added], "json")
    meta = dict(patch.document.get("metadata") or {})
    annotations = {**(meta.get("annotations") or {}), **marks}
    return Patch({**patch.document, "metadata": {**meta, "annotations": annotations}}, patch.kind)
