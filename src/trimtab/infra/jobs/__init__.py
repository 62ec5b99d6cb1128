"""Durable work: jobs that survive ``kill -9`` and wait for hours without losing their place.

A job is a plain function `Body` that does its side effects in named steps. A finished step's result is recorded;
after a crash the body runs again from the top and recorded steps return what they returned before. A step may
therefore run twice (crash between effect and record): give each side effect an idempotency key.
"""

from trimtab.infra.jobs.port import Body, JobRun, Jobs, JobState, JobStatus, JobUnknown, Json

__all__ = ["Body", "JobRun", "JobState", "JobStatus", "JobUnknown", "Jobs", "Json"]
