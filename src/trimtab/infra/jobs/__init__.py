"""Durable jobs that resume after ``kill -9`` and can wait for hours.

A job is a plain function `Body` that runs its side effects in named steps. The result of a finished
step is recorded; after a crash the body runs again from the start, and recorded steps return their
former results. A step may therefore run twice (crash between effect and record): give each side
effect an idempotency key.
"""

from trimtab.infra.jobs.port import Body, JobRun, Jobs, JobState, JobStatus, JobUnknown, Json

__all__ = ["Body", "JobRun", "JobState", "JobStatus", "JobUnknown", "Jobs", "Json"]
