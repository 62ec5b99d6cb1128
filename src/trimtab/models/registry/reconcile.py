"""Appends the audit events that an ended process did not get to.

A registration or a move of aliases is durable in the registry first and in the audit chain a moment
later: they are two databases. A process that ends between the two leaves the second to its next
start.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from trimtab.infra.audit import Audit, AuditEvent
from trimtab.models.records import AliasMove
from trimtab.models.registry.store import RegistryStore

_log = logging.getLogger(__name__)
REGISTERED = "models.register"
ALIAS_MOVED = "models.alias"
_SEQS = "moves"
_Change = tuple[str, str, str, int | None, int | None]
"""Model, actor, alias, and the version before and after."""


def move_facts(moves: Sequence[AliasMove]) -> dict[str, object]:
    """Return the facts of the audit event of one change of aliases."""
    facts: dict[str, object] = {move.alias: [move.previous, move.version] for move in moves}
    return facts | {_SEQS: [move.seq for move in moves]}


def append_missing(store: RegistryStore, audit: Audit) -> int:
    """Append an event for each registration and alias move without one; return their number.

    Call it before anything is registered or moved.
    """
    registered = store.registered()
    if not registered:
        return 0
    known = {
        (event.subject, json.loads(event.facts).get("version"))
        for event in audit.of_action(REGISTERED)
    }
    count = 0
    for name, version, digest, actor in registered:
        if (name, version) not in known:
            audit.append(actor, REGISTERED, name, {"version": version, "sha256": digest})
            count += 1
    for moves in _changes(_unaudited(store.all_moves(), audit.of_action(ALIAS_MOVED))):
        first = moves[0]
        facts = move_facts(moves) | {"at": first.at.isoformat()}
        audit.append(first.actor, ALIAS_MOVED, first.name, facts)
        count += 1
    if count:
        _log.warning("appended audit events of an interrupted change", extra={"events": count})
    return count


def _unaudited(moves: Iterable[AliasMove], events: Iterable[AuditEvent]) -> list[AliasMove]:
    seqs: set[int] = set()
    unnumbered: Counter[_Change] = Counter()
    for event in events:
        facts = json.loads(event.facts)
        seqs.update(facts.get(_SEQS, ()))
        if _SEQS not in facts:
            # Written before events named the entries of the alias log.
            for alias, (previous, version) in facts.items():
                unnumbered[event.subject, event.actor, alias, previous, version] += 1
    missing = []
    for move in moves:
        change = (move.name, move.actor, move.alias, move.previous, move.version)
        if move.seq in seqs:
            continue
        if unnumbered[change]:
            unnumbered[change] -= 1
        else:
            missing.append(move)
    return missing


def _changes(moves: Iterable[AliasMove]) -> list[list[AliasMove]]:
    """Return the moves of each change; those of one have the same model, time, actor and reason."""
    found: list[list[AliasMove]] = []
    for _, group in groupby(moves, lambda move: (move.name, move.at, move.actor, move.reason)):
        change: list[AliasMove] = []
        for move in group:
            if move.alias in {each.alias for each in change}:
                found.append(change)
                change = []
            change.append(move)
        found.append(change)
    return found
