"""Shared infrastructure: settings, storage, jobs, telemetry, audit, auth, notifications."""
