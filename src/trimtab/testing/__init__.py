"""Fakes that ship with trimtab, and the contracts that they and the real things pass."""
