"""A real control plane: etcd, API server, controllers, scheduler and nodes that run nothing; or the cluster of KUBECONFIG."""

import contextlib
import subprocess
import tempfile
from os import environ  # noqa: TID251 - the tests are told where the cluster is.
from pathlib import Path

from tests.monitoring.real_prometheus import fetch_if_missing, tool

DEFAULT = Path(__file__).parents[4] / "shared" / "kubernetes" / "control-plane"


@contextlib.contextmanager
def kubeconfig(nodes=2):
    """Yield the kubeconfig of a running control plane; end it afterwards.

    Pods of its nodes are reported Running and run nothing: there is no log, no `exec` and no metrics API behind them.
    """
    if given := environ.get("KUBECONFIG"):
        yield Path(given)
        return
    script = Path(environ.get("TRIMTAB_CONTROL_PLANE") or DEFAULT).resolve()
    assert script.exists(), (
        f"{script} is missing: name a control plane, or a cluster with KUBECONFIG"
    )
    paths = [str(Path(_fetched(name)).parent) for name in ("etcd", "kubectl")]
    environment = {**environ, "PATH": ":".join([*paths, environ["PATH"]])}
    with tempfile.TemporaryDirectory() as folder:
        environment.setdefault("XDG_CACHE_HOME", f"{folder}/cache")
        state = f"{folder}/state"
        command = [str(script), "start", state, str(nodes)]
        try:
            done = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True, timeout=300
            )
            yield Path(done.stdout.split()[-1])
        finally:
            subprocess.run([str(script), "stop", state], env=environment, check=False, timeout=60)


def _fetched(name):
    fetch_if_missing(name)
    return tool(name)
