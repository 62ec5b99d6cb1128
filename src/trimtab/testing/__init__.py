"""Shipped fakes, and the contract suites that fakes and real implementations pass."""
