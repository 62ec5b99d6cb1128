"""Load what most gate commands need of a project: its policy and its keys."""

from trimtab.gates.case import Project
from trimtab.gates.policy import GatePolicy, load_policy
from trimtab.gates.signing import KeyRing
from trimtab.kernel.clock import SystemClock


def policy_of(project: Project) -> GatePolicy:
    """Return the project's policy, or the defaults."""
    return load_policy(project.policy) if project.policy.is_file() else GatePolicy()


def signing_keys(project: Project) -> KeyRing:
    """Return the project's key ring, limited to the keys that its policy pins."""
    return KeyRing(project.keys, SystemClock(), pinned=policy_of(project).supply_chain.trusted_keys)
