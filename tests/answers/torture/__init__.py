"""Campaigns against the answers of a whole service; `make torture-answers` runs them at length."""
