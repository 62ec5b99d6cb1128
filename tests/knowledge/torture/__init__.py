"""Campaigns against the data of knowledge: kills, flipped bytes and full disks; `make torture-knowledge` runs them."""
