"""The self-test: sound evidence, corrupted in every known way; each corruption must be caught for the right reason.

A corruption is killed when its gate reports one of the codes that it is meant to cause and did not report it on the
sound evidence. Whatever escapes a gate one day is added here as one more corruption.
"""

from trimtab.gates.selftest.run import SelfTestResult, run_selftest

__all__ = ["SelfTestResult", "run_selftest"]
