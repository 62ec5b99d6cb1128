"""What every domain stands on: settings, storage, jobs, telemetry, rules, audit, auth and notifications."""
