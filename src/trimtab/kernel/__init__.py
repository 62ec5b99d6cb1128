"""Errors, ids, clock, events, health and the operable catalog that every package uses.

Standard library only.
"""
