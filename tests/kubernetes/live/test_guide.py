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


def test_the_guide_is_followed_to_running_pods_and_listed_jobs(world, kubeconfig, tmp_path):
    blocks = [dedent(text) for _, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8"))]
    assert len(blocks) == 3
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
    script = "\n".join(blocks).replace("production", world.namespace)
    # The namespace of the test exists already.
    script = script.replace(f"kubectl create namespace {world.namespace}", "true")
    lines = [
        "set -euo pipefail",
        f'kubectl() {{ "{control_plane._fetched("kubectl")}" --kubeconfig "{kubeconfig}" "$@"; }}',
        f'trimtab() {{ "{COMMAND}" "$@" --namespace {world.namespace} | "{sys.executable}" "{HOLLOW}"; }}',
        script,
    ]
    try:
        done = subprocess.run(
            ["bash", "-c", "\n".join(lines)],
            capture_output=True, text=True, timeout=400, cwd=tmp_path, env=clean_environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        world.cluster.delete(VOLUME, "", name)
    assert re.search(r"^knowledgebeast-\S+ +1/1 +Running", done.stdout, re.MULTILINE)
    assert re.search(r"^knowledgebeast-data +Bound +\S+ +500Gi", done.stdout, re.MULTILINE)
    jobs = ("db-backup", "disk-cleanup", "db-integrity-check", "cache-warmer", "six-hour-restart")
    assert [job for job in jobs if not re.search(rf"^{job} ", done.stdout, re.MULTILINE)] == []
