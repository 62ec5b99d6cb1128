"""Gates: no release without evidence that survives an attacker.

A *case* (a report and the project directory around it) goes through one gate after the other; each gate returns
findings, and the verdict says pass, review or block, with the team, the clocks and the guide for each finding.

    records     Finding, GateResult, GateVerdict        codes    every finding there is, with its words and its fix
    matrix      severity, clocks, teams, guides     policy   the numbers a project may change
    schema/ datasets benchmark/ plausibility drift supply_chain/ docs_gate process      one gate each
    run         the one pass that makes a verdict   signing  ed25519 over in-toto statements
"""

from trimtab.gates.codes import finding
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.records import Finding, GateOutcome, GateResult, GateState, GateVerdict, Severity

__all__ = [
    "Finding",
    "GateOutcome",
    "GatePolicy",
    "GateResult",
    "GateState",
    "GateVerdict",
    "Severity",
    "finding",
    "load_policy",
]
