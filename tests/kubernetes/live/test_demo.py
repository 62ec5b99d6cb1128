"""`trimtab demo --kubernetes`: a bad rollout is noticed, rolled back and verified, and nothing is left behind."""

import json

import pytest
from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Namespace

from tests.processes import run


@pytest.mark.timeout(400)
def test_a_bad_rollout_is_rolled_back_and_nothing_is_left(kubeconfig, tmp_path):
    given = ("--kubernetes", "--kubeconfig", str(kubeconfig), "--speed", "30")
    done = run(tmp_path / "demo", "demo", "--yes", "--json", *given)
    assert done.code == 0, done.out + done.err
    *lines, last = [json.loads(line) for line in done.out.splitlines()]
    stages = [line["stage"] for line in lines]
    wanted = ["connected", "broken", "detected", "plan", "decided", "replicas", "deleted"]
    assert [stage for stage in wanted if stage not in stages] == []
    by_stage = {line["stage"]: line for line in lines}
    assert by_stage["plan"]["action"] == "k8s.rollback"
    assert "from revision 2 to revision 1" in by_stage["plan"]["text"]
    assert (last["state"], last["ready"]) == ("resolved", 2)
    assert 0 < last["detected_s"] <= last["diagnosed_s"] < last["resolved_s"]
    client = Client(config=KubeConfig.from_file(str(kubeconfig)), trust_env=False)
    left = [each.metadata for each in client.list(Namespace)]
    client.close()
    assert not [
        each.name
        for each in left
        if each.name.startswith("trimtab-demo") and each.deletionTimestamp is None
    ]
