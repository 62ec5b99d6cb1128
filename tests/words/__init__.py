"""Lint of names and prose: standard terms, plain sentences, one meaning per class name."""
