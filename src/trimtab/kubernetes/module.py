"""Builds the Kubernetes adapter; without a configured cluster it reads and loads nothing."""

from trimtab.infra.background import PeriodicTask
from trimtab.infra.environment import Environment
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.kernel.module import Module
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.object_actions import object_actions
from trimtab.kubernetes.places import Places
from trimtab.kubernetes.reads import read_actions
from trimtab.kubernetes.signals import signals
from trimtab.kubernetes.snapshot import Snapshots
from trimtab.kubernetes.workload_actions import workload_actions


def build(env: Environment) -> Module:
    """Return the clusters of the settings with their signals and actions."""
    settings = env.settings.kubernetes
    clusters = Clusters(settings)
    snapshots = Snapshots(clusters)
    places = Places(clusters)
    published = (
        *workload_actions(places, env.clock),
        *object_actions(places),
        *read_actions(places),
    )
    if not settings.enabled:
        return Module("kubernetes", clusters, signals=signals(snapshots), actions=published)
    # A thread of its own: the API server may be slow to answer.
    task = PeriodicTask("read clusters", snapshots.refresh, settings.refresh_seconds, env.clock)

    def health() -> ComponentHealth:
        if snapshots.errors:
            return ComponentHealth(Status.DEGRADED, "; ".join(snapshots.errors.values()))
        return ComponentHealth(Status.UP)

    return Module(
        "kubernetes",
        clusters,
        signals=signals(snapshots),
        actions=published,
        health=(("kubernetes", health),),
        tasks=(task,),
        start=(task.start,),
        close=(task.close, clusters.close),
    )
