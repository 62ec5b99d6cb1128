"""Shared by all tests: the contract report, and Hypothesis without deadlines on shared machines."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.contract.report"]

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shared"))  # noqa: TID251 - the test run's own switch.
