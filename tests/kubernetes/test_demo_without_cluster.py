"""`trimtab demo --kubernetes` where there is no cluster: it says so, with the next step, before it starts anything."""

import pytest

from tests.kubernetes.test_unreachable import CONFIG
from tests.processes import run


def refused(folder, *given):
    done = run(folder / "demo", "demo", "--yes", "--kubernetes", *given)
    assert done.code != 0
    assert not (folder / "demo").exists()
    return done.err


def test_no_kubeconfig_is_told_with_the_next_step(tmp_path):
    told = refused(tmp_path, "--kubeconfig", str(tmp_path / "none"))
    assert "There is no cluster to show it on" in told
    assert "--kubeconfig FILE" in told


@pytest.mark.parametrize("namespace", [(), ("--namespace", "mine")])
def test_a_cluster_that_does_not_answer_is_told_with_the_next_step(tmp_path, namespace):
    # Nothing can listen on port 0.
    (tmp_path / "kubeconfig").write_text(CONFIG % 0)
    told = refused(tmp_path, "--kubeconfig", str(tmp_path / "kubeconfig"), *namespace)
    assert "Start the cluster of" in told
