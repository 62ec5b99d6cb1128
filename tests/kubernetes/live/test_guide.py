"""docs/how-to/deploy-on-kubernetes.md, followed as it stands with kubectl."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.kubernetes.live import control_plane
from tests.kubernetes.live.test_deployment import VOLUME
from tests.processes import COMMAND, clean_environment

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "deploy-on-kubernetes.md"
HOLLOW = Path(__file__).with_name("hollow.py")
BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def followed(blocks, world, kubeconfig, folder):
    """Run the guide's commands in the namespace of the test, which exists already; return what they print."""
    script = "\n".join(blocks)
    for name in ("production", "hybrid-ai"):
        script = script.replace(name, world.namespace)
    script = script.replace(f"kubectl create namespace {world.namespace}", "true")
    lines = [
        "set -euo pipefail",
        f'kubectl() {{ "{control_plane._fetched("kubectl")}" --kubeconfig "{kubeconfig}" "$@"; }}',
        f'trimtab() {{ "{COMMAND}" "$@" --namespace {world.namespace} | "{sys.executable}" "{HOLLOW}"; }}',
        script,
    ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        capture_output=True, text=True, timeout=400, cwd=folder, env=clean_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def blocks(*, scale):
    """Return the guide's blocks of commands about one process, or those about several."""
    found = [dedent(text) for _, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8"))]
    assert len(found) == 4
    return [text for text in found if ("--scale" in text) == scale]


def test_the_guide_is_followed_to_running_pods_and_listed_jobs(world, kubeconfig, tmp_path):
    # A class that makes volumes is what the guide asks for; the control plane has none, so the volume is made here.
    spec = {
        "capacity": {"storage": "500Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/nothing"},
        "claimRef": {"namespace": world.namespace, "name": "knowledgebeast-data"},
    }
    name = f"{world.namespace}-guide"
    world.cluster.apply(
        VOLUME, {"kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    )
    try:
        printed = followed(blocks(scale=False), world, kubeconfig, tmp_path)
    finally:
        world.cluster.delete(VOLUME, "", name)
    assert re.search(r"^knowledgebeast-\S+ +1/1 +Running", printed, re.MULTILINE)
    assert re.search(r"^knowledgebeast-data +Bound +\S+ +500Gi", printed, re.MULTILINE)
    jobs = ("db-backup", "disk-cleanup", "db-integrity-check", "cache-warmer", "six-hour-restart")
    assert [job for job in jobs if not re.search(rf"^{job} ", printed, re.MULTILINE)] == []


def test_the_guide_is_followed_to_the_workloads_of_several_processes(world, kubeconfig, tmp_path):
    printed = followed(blocks(scale=True), world, kubeconfig, tmp_path)
    assert "secret/trimtab-shared created" in printed
    names = ("api-gateway", "ai-orchestrator", "embedding-service", "knowledgebeast", "redis")
    assert [name for name in names if f"deployment.apps/{name} created" not in printed] == []
    for name in ("postgresql", "postgresql-replica"):
        assert f"statefulset.apps/{name} created" in printed
    assert "horizontalpodautoscaler.autoscaling/api-gateway created" in printed
    # What the workloads read their connections from is what the guide makes.
    given = set(re.findall(r"--from-literal=([\w-]+)=", "".join(blocks(scale=True))))
    for kind, name in (("deployment", "api-gateway"), ("statefulset", "postgresql")):
        (container, *_) = world.get(kind, name)["spec"]["template"]["spec"]["containers"]
        sources = [each.get("valueFrom", {}).get("secretKeyRef") for each in container["env"]]
        wanted = {(each["name"], each["key"]) for each in sources if each}
        assert wanted
        assert wanted <= {("trimtab-shared", key) for key in given}
