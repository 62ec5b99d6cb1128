"""`trimtab rollback deployment` on a running service and a real control plane."""

import pytest

from tests.processes import run, start, with_models
from trimtab.kubernetes.cluster import DEPLOYMENT


@pytest.fixture
def command(world, kubeconfig, tmp_path, models):
    """Run commands on a service that knows the cluster of the test."""
    data_dir = with_models(tmp_path / "data", models)
    given = {"enabled": "true", "kubeconfig": kubeconfig, "namespaces": world.namespace}
    words = [
        word for name, value in given.items() for word in ("--set", f"kubernetes.{name}={value}")
    ]
    service = start(data_dir, *words)
    yield lambda *words: run(data_dir, *words)
    service.stop()


def image(world):
    (container,) = world.get(DEPLOYMENT, "web")["spec"]["template"]["spec"]["containers"]
    return container["image"]


@pytest.mark.feature("F454")
def test_a_deployment_goes_back_to_the_tag_of_the_revision_before(world, command):
    name = f"{world.namespace}/web"
    world.deploy("web", "web:good")
    world.wait_ready("web", 2)
    first = set(world.pods("web"))
    alone = command("rollback", "deployment", name, "--yes")
    assert alone.code != 0
    assert "revision" in alone.err

    world.deploy("web", "web:bad")
    world.wait(lambda: len(world.pods("web")) == 2 and not first & set(world.pods("web")))
    planned = command("rollback", "deployment", name, "--dry-run")
    assert planned.code == 0, planned.err
    assert "revision 2 to revision 1" in planned.out
    assert image(world) == "web:bad"

    unapproved = command("rollback", "deployment", name)
    assert unapproved.code == 3
    assert image(world) == "web:bad"

    second = set(world.pods("web"))
    done = command("rollback", "deployment", name, "--yes", "--json")
    assert done.code == 0, done.out + done.err
    assert done.json["verified"] is True
    assert image(world) == "web:good"
    # Verified means that the rollout is complete, not that the change was accepted.
    assert not second & set(world.pods("web"))
    status = world.get(DEPLOYMENT, "web")["status"]
    assert (status["updatedReplicas"], status["availableReplicas"]) == (2, 2)
    acts = [each["subject"] for each in command("audit", "list", "--json").json["events"]]
    assert acts.count("k8s.rollback") == 1


def test_a_deployment_that_is_not_there_is_named(command):
    done = command("rollback", "deployment", "missing", "--yes")
    assert done.code != 0
    assert "missing" in done.err
