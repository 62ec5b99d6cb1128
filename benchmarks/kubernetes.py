"""What the Kubernetes adapter costs on a real cluster: a restart, and the signals of 1,000 pods.

Run it with ``python -m benchmarks.kubernetes KUBECONFIG``. It makes a namespace of its own and deletes it. CPU time of this process,
not wall time: the figures hold on a busy machine. Exit code 1 when a bar is missed.
"""

import secrets
import statistics
import subprocess
import sys
import time

from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.clock import SystemClock
from trimtab.kernel.operable import ActionContext, Catalog, check_arguments
from trimtab.kubernetes.cluster import DEPLOYMENT, NAMESPACE, POD, Cluster
from trimtab.kubernetes.cluster_state import ClusterStates
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.targets import Targets
from trimtab.kubernetes.workload_actions import workload_actions

PODS, RUNS, BATCH = 1000, 11, 250
RESTART_BAR_MS, SIGNALS_BAR_MS = 50.0, 200.0
_WAIT_SECONDS = 600.0
_IMPORT = "import trimtab.kubernetes.module, time; print(time.process_time())"
_BARE = "import trimtab.infra.environment, time; print(time.process_time())"


def deployment(name: str, namespace: str, replicas: int) -> dict:
    """Return a Deployment whose pods find no node: they cost the cluster little."""
    labels = {"app": name}
    spec = {
        "nodeSelector": {"benchmark": "none"},
        "containers": [{"name": "main", "image": "a:1"}],
    }
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def median_ms(run, count: int = RUNS) -> float:
    """Return the median CPU time of a call; the first call is not counted."""
    run(0)
    spent = []
    for number in range(1, count):
        begun = time.process_time()
        run(number)
        spent.append((time.process_time() - begun) * 1000)
    return statistics.median(spent)


def import_ms() -> float:
    """Return what the import of the adapter adds to that of the infrastructure, in CPU time."""
    took = {_IMPORT: [], _BARE: []}
    for _ in range(5):
        for code, found in took.items():
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            found.append(float(done.stdout) * 1000)
    return min(took[_IMPORT]) - min(took[_BARE])


def await_pods(cluster: Cluster, namespace: str, count: int) -> None:
    """Wait until the controllers have made the pods."""
    end = time.monotonic() + _WAIT_SECONDS
    while len(cluster.find_all(POD, namespace)) < count:
        if time.monotonic() > end:
            raise SystemExit(f"The cluster did not make {count} pods in {_WAIT_SECONDS:g} s.")
        time.sleep(1)


def measure(kubeconfig: str) -> bool:
    """Print the figures; return whether the bars are met."""
    namespace = f"benchmark-{secrets.token_hex(4)}"
    settings = KubernetesSettings(enabled=True, kubeconfig=kubeconfig, namespaces=(namespace,))
    clusters = Clusters(settings)
    cluster, clock = clusters.cluster(), SystemClock()
    catalog = Catalog((), workload_actions(Targets(clusters), clock))
    states = ClusterStates(clusters, clock)
    cluster.apply(NAMESPACE, {"metadata": {"name": namespace}})
    try:
        for number in range(PODS // BATCH):
            cluster.apply(DEPLOYMENT, deployment(f"web-{number}", namespace, BATCH))
        await_pods(cluster, namespace, PODS)
        signals = median_ms(lambda _: states.refresh())
        if states.errors:
            raise SystemExit(str(states.errors))
        cluster.apply(DEPLOYMENT, deployment("restarted", namespace, 0))
        action = catalog.action("k8s.restart")
        given = check_arguments(action.params, {"name": "restarted"})
        restart = median_ms(
            lambda number: action.run(given, ActionContext(f"act-{number}", "benchmark"))
        )
    finally:
        cluster.delete(NAMESPACE, "", namespace)
        clusters.close()
    print(f"restart of a Deployment   {restart:7.1f} ms CPU (bar {RESTART_BAR_MS:g})")
    print(
        f"signals of {PODS} pods      {signals:7.1f} ms CPU a read in the background (bar {SIGNALS_BAR_MS:g})"
    )
    print(f"import while it is unused {import_ms():7.1f} ms CPU")
    return restart < RESTART_BAR_MS and signals < SIGNALS_BAR_MS


if __name__ == "__main__":
    sys.exit(0 if measure(sys.argv[1]) else 1)
