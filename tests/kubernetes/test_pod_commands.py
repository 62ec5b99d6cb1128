"""Commands in pods over the real websocket protocol; the server is a double that speaks it."""

import contextlib
import json
import threading

import pytest

from tests.kubernetes import channel_server
from tests.kubernetes.channel_server import STATUS, STDERR, STDOUT, ChannelServer, ended, not_found
from tests.kubernetes.test_unreachable import CONFIG
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kernel.errors import InvalidInput
from trimtab.kernel.operable import ActionContext, Risk, check_arguments
from trimtab.kubernetes import pod_commands
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import (
    KubernetesUnavailable,
    NamespaceNotAllowed,
    ObjectUnknown,
    PodCommandTimeout,
    ProgramMissing,
    VerbForbidden,
)
from trimtab.kubernetes.targets import Targets

API = "/api/v1/namespaces/production/pods"


def pod(name, *, ready=True, owner="knowledgebeast"):
    """Return a pod of a Deployment."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    labels = {"app": "knowledgebeast", "pod-template-hash": "5d"}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": "production",
            "labels": labels,
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"{owner}-5d"}],
        },
        "spec": {"containers": [{"name": "main", "image": "a:1"}]},
        "status": {"phase": "Running", "conditions": conditions},
    }


def documents(*pods):
    found = {f"{API}/{each['metadata']['name']}": each for each in pods}
    found[API] = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": list(pods)}
    found["/apis/apps/v1/namespaces/production/deployments/knowledgebeast"] = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "knowledgebeast", "namespace": "production"},
        "spec": {"selector": {"matchLabels": {"app": "knowledgebeast"}}},
    }
    return found


class Pods:
    """The action on the pods of a server that runs commands with a function."""

    def __init__(self, folder, run, pods, *, allowed=True):
        found = documents(*pods)
        self.server = ChannelServer(run, lambda path, _query: found.get(path))
        path = folder / "kubeconfig"
        path.write_text(CONFIG % self.server.port)
        settings = KubernetesSettings(enabled=True, kubeconfig=str(path), allow_exec=allowed)
        self.clusters = Clusters(settings)
        (self.action,) = pod_commands.pod_command_actions(Targets(self.clusters))

    def close(self):
        self.clusters.close()
        self.server.close()

    def ask(self, *, dry_run=False, **given):
        checked = check_arguments(self.action.params, {"name": "knowledgebeast", **given})
        do = self.action.dry_run if dry_run else self.action.run
        return do(checked, ActionContext("key", "test"))


@pytest.fixture
def pods(tmp_path):
    """Make the action on given pods; whatever runs is a function of path and words."""
    with contextlib.ExitStack() as made:

        def make(run, *found, **changed):
            found = found or (pod("knowledgebeast-5d-a"),)
            return made.enter_context(contextlib.closing(Pods(tmp_path, run, found, **changed)))

        yield make


def answering(*messages):
    return lambda _path, _words: messages


def status(found):
    return STATUS + json.dumps(found).encode()


def test_a_name_is_looked_up_in_a_ready_pod_of_the_workload(pods):
    address = b"10.0.0.7      chromadb.production.svc.cluster.local\n"
    found = pods(
        answering(STDOUT + address[:5], STDOUT + address[5:], status(ended(0))),
        pod("another-5d-a", owner="another"),
        pod("knowledgebeast-5d-a", ready=False),
        pod("knowledgebeast-5d-b"),
    )
    done = found.ask(command="dns")
    path = f"{API}/knowledgebeast-5d-b/exec"
    assert found.server.asked == [(path, ["getent", "hosts", "chromadb"])]
    assert done.facts == {
        "pod": "knowledgebeast-5d-b",
        "command": "getent hosts chromadb",
        "exit_code": 0,
        "ok": True,
        "output": address.decode(),
    }
    assert done.summary.endswith("knowledgebeast-5d-b succeeded.")
    assert (found.action.risk, done.changes) == (Risk.OBSERVE, False)


def test_a_name_that_does_not_resolve_is_an_answer_with_its_exit_code(pods):
    found = pods(answering(STDERR + b"nothing\n", status(ended(2))))
    done = found.ask(command="dns", host="nowhere")
    assert (done.facts["ok"], done.facts["exit_code"]) == (False, 2)
    assert done.facts["output"] == "nothing\n"
    assert done.summary.endswith("ended with exit code 2.")


@pytest.mark.parametrize(
    "refusal",
    [
        lambda program: [status(not_found(program))],
        lambda program: [
            STDERR + f'exec: "{program}": executable file not found in $PATH'.encode(),
            status(ended(126)),
        ],
    ],
    ids=("as an error", "as an exit code"),
)
def test_the_next_program_is_tried_where_one_is_missing(pods, refusal):
    def run(_path, words):
        return [status(ended(0))] if words[0] == "python3" else refusal(words[0])

    found = pods(run)
    done = found.ask(command="heartbeat", port=8001)
    assert [words[0] for _, words in found.server.asked] == ["curl", "wget", "python3"]
    url = "http://chromadb:8001/api/v1/heartbeat"
    assert all(url in words for _, words in found.server.asked)
    assert done.facts["ok"]
    with pytest.raises(ProgramMissing, match="none of the programs nvidia-smi"):
        found.ask(command="gpu")


def test_only_commands_of_the_list_run_and_nothing_else_in_them(pods):
    found = pods(answering(status(ended(0))))
    for command, word in (("sh", "sh"), ("", "''"), ("rm -rf /", "rm")):
        with pytest.raises(InvalidInput, match=word):
            found.ask(command=command)
    for host in ("-x", "a b", "a;b", "$(id)", "", "a" * 254, "../x", "a\nb", "chromadb."):
        with pytest.raises(InvalidInput, match="is not the name of a host"):
            found.ask(command="dns", host=host)
    for host in ("a", "10.0.0.7", "a" * 253, "chromadb.production.svc"):
        assert found.ask(command="dns", host=host).facts["ok"]
    assert len(found.server.asked) == 4


def test_a_preview_runs_nothing(pods):
    found = pods(answering(status(ended(0))))
    tried = found.ask(command="heartbeat_v2", dry_run=True)
    assert found.server.asked == []
    assert tried.facts["pod"] == "knowledgebeast-5d-a"
    assert tried.facts["programs"][0].endswith("http://chromadb:8000/api/v2/heartbeat")


def test_it_is_switched_off_until_a_person_allows_it(pods):
    assert KubernetesSettings().allow_exec is False
    found = pods(answering(status(ended(0))), allowed=False)
    for dry in (True, False):
        with pytest.raises(VerbForbidden, match="switched off"):
            found.ask(command="disk", dry_run=dry)
    assert found.server.asked == []


def test_what_is_not_there_is_told(pods):
    found = pods(answering(status(ended(0))), pod("knowledgebeast-5d-a", ready=False))
    with pytest.raises(ObjectUnknown, match="No pod of Deployment production/knowledgebeast is"):
        found.ask(command="disk")
    with pytest.raises(ObjectUnknown, match="Pod gone"):
        found.ask(command="disk", kind="pod", name="gone")
    with pytest.raises(NamespaceNotAllowed):
        found.ask(command="disk", kind="pod", namespace="kube-system")
    assert found.server.asked == []


def test_a_connection_that_breaks_is_told(pods):
    found = pods(answering(STDOUT + b"half"))
    with pytest.raises(KubernetesUnavailable, match="closed before the command ended"):
        found.ask(command="disk")


def test_a_command_that_does_not_end_is_given_up(pods, monkeypatch):
    monkeypatch.setattr(pod_commands, "_SECONDS", 0.3)
    over = threading.Event()

    def run(_path, _words):
        yield STDOUT + b"begun\n"
        over.wait(60)

    found = pods(run)
    try:
        with pytest.raises(PodCommandTimeout, match=r"`df -h` in Pod .* did not end in 0\.3 s"):
            found.ask(command="disk")
    finally:
        over.set()


def test_long_output_is_cut_off_and_credentials_are_hidden(pods):
    url = b"https://user:tr0ub4dor@example.com/x\n"
    long = [STDOUT + b"x" * 60_000] * 3
    found = pods(answering(STDOUT + url, *long, status(ended(0))))
    output = found.ask(command="disk").facts["output"]
    assert "tr0ub4dor" not in output
    assert 99_000 < len(output) <= 100_000


@pytest.mark.parametrize(("code", "error"), [(403, VerbForbidden), (404, ObjectUnknown)])
def test_a_refusal_of_the_server_keeps_its_meaning(pods, monkeypatch, code, error):
    found = pods(answering(status(ended(0))))
    monkeypatch.setattr(
        channel_server.ChannelServer, "_upgrade", lambda _, handler: handler.send_error(code)
    )
    with pytest.raises(
        error, match=f"a command in Pod production/knowledgebeast-5d-a: HTTP {code}"
    ):
        found.ask(command="disk")
