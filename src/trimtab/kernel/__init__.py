"""The ground everything stands on: errors, ids, clock, events, health and the operable seam.

Standard library only.
"""
