"""Guardrails: injection, personal data, secrets, grounding, facts and ethics, run in parallel under a deadline."""
