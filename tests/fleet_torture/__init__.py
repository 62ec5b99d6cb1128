"""Kills, stops and restarts several processes on one PostgreSQL under load, and counts what was lost or doubled."""
