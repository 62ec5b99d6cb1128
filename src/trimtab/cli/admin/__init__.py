"""Commands for keys and the audit chain."""
