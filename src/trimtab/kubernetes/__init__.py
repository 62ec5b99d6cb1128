"""Signals and actions on Kubernetes clusters, in the namespaces that the settings name."""
