"""Self-test of the gates: every known corruption must be detected.

A corruption is killed when its gate reports one of the codes that it is meant to cause and did not
report it on the sound evidence. A corruption that a gate misses is added here.
"""

from trimtab.gates.selftest.run import SelfTestResult, run_selftest

__all__ = ["SelfTestResult", "run_selftest"]
