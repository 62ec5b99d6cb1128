"""Builds the Kubernetes adapter; without a configured cluster it reads and loads nothing."""

from trimtab.infra.background import PeriodicTask
from trimtab.infra.environment import Environment
from trimtab.kernel.health import ComponentHealth, Status
from trimtab.kernel.module import Module
from trimtab.kubernetes.cluster_state import ClusterStates
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.faults import faults
from trimtab.kubernetes.manifests import manifest_actions
from trimtab.kubernetes.object_actions import object_actions
from trimtab.kubernetes.pod_commands import pod_command_actions
from trimtab.kubernetes.pod_reads import pod_read_actions
from trimtab.kubernetes.reads import read_actions
from trimtab.kubernetes.signals import signals
from trimtab.kubernetes.targets import Targets
from trimtab.kubernetes.workload_actions import workload_actions


def build(env: Environment) -> Module:
    """Return the clusters of the settings with their signals and actions."""
    settings = env.settings.kubernetes
    clusters = Clusters(settings, env.dependencies)
    states = ClusterStates(clusters, env.clock)
    targets = Targets(clusters)
    published = (
        *workload_actions(targets, env.clock),
        *object_actions(targets),
        *read_actions(targets),
        *manifest_actions(targets),
        *pod_read_actions(targets, env.clock),
        *pod_command_actions(targets),
    )
    breaking = faults(clusters)
    if not settings.enabled:
        return Module(
            "kubernetes", clusters, signals=signals(states), actions=published, faults=breaking
        )
    # A thread of its own: the API server may be slow to answer.
    task = PeriodicTask("read clusters", states.refresh, settings.refresh_seconds, env.clock)

    def health() -> ComponentHealth:
        if states.errors:
            return ComponentHealth(Status.DEGRADED, "; ".join(states.errors.values()))
        return ComponentHealth(Status.UP)

    return Module(
        "kubernetes",
        clusters,
        signals=signals(states),
        actions=published,
        faults=breaking,
        health=(("kubernetes", health),),
        tasks=(task,),
        start=(task.start,),
        close=(task.close, clusters.close),
    )
