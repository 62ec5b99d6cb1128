"""Commands in pods through a real API server, which passes them to a stand-in for the node's kubelet.

The stand-in runs each program on this machine: an answer is one of a real program, over the real protocol.
"""

import contextlib
import json
import secrets
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.kubernetes.channel_server import STATUS, STDERR, STDOUT, ChannelServer, ended, not_found
from tests.kubernetes.live.certificate import server_context
from tests.kubernetes.live.stand_in_kubelet import StandInKubelet
from tests.kubernetes.live.test_refusals import restricted
from tests.kubernetes.live.world import World
from trimtab.kubernetes.errors import VerbForbidden


def run_here(_path, words):
    """Run the program as a container runtime does, and yield its output and status."""
    try:
        done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    except FileNotFoundError:
        yield STATUS + json.dumps(not_found(words[0])).encode()
        return
    yield STDOUT + done.stdout
    yield STDERR + done.stderr
    yield STATUS + json.dumps(ended(done.returncode)).encode()


def log_of(path, query):
    """Return the log of every container, as long as it is asked for."""
    if not path.startswith("/containerLogs/"):
        return None
    lines = [f"line {number}: token=tr0ub4dor" for number in range(500)]
    return "\n".join(lines[-int(query["tailLines"][0]) :]).encode()


@pytest.fixture(scope="module")
def kubelet(kubeconfig, tmp_path_factory):
    """What runs the commands of the pods that are made meanwhile."""
    context = server_context(tmp_path_factory.mktemp("kubelet"))
    with (
        contextlib.closing(ChannelServer(run_here, log_of, context)) as server,
        contextlib.closing(StandInKubelet(kubeconfig, server.port)),
    ):
        yield server


@pytest.fixture
def allowed(kubeconfig, kubelet):
    """A namespace whose pods are on the stand-in's node, where commands may run."""
    made = World(kubeconfig, f"test-{secrets.token_hex(4)}", allow_exec=True)
    made.create_namespace()
    for name in ("knowledgebeast", "chromadb"):
        made.deploy(name, replicas=1)
        made.wait_ready(name, 1)
    yield made
    made.close()


@pytest.fixture
def heartbeats():
    """A server of vectors on loopback; yields its port and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = b'{"status": "ok"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.feature("F542")
def test_whether_a_name_resolves_is_asked_in_the_pod(allowed, kubelet):
    (pod,) = allowed.pods("knowledgebeast")
    found = allowed.run("k8s.exec", "act", command="dns", name="knowledgebeast", host="localhost")
    assert found.facts["ok"], found
    assert found.facts["output"].split()[0] in ("127.0.0.1", "::1")
    path = f"/exec/{allowed.namespace}/{pod}/main"
    assert kubelet.asked[-1] == (path, ["getent", "hosts", "localhost"])
    missing = allowed.run(
        "k8s.exec", "act", command="dns", name="knowledgebeast", host="trimtab.invalid"
    )
    assert (missing.facts["ok"], missing.facts["exit_code"]) == (False, 2)


@pytest.mark.feature("F544")
def test_the_server_of_vectors_is_restarted_awaited_and_answers_its_heartbeat(allowed, heartbeats):
    port, asked = heartbeats
    (before,) = allowed.pods("chromadb")
    allowed.run("k8s.restart", "act", name="chromadb")
    assert allowed.run("k8s.wait", "wait", name="chromadb", seconds=300).facts == {"ready": True}
    assert before not in allowed.pods("chromadb")
    given = {"command": "heartbeat", "name": "knowledgebeast", "host": "localhost", "port": port}
    found = allowed.run("k8s.exec", "act", **given)
    assert found.facts["ok"], found
    assert json.loads(found.facts["output"]) == {"status": "ok"}
    assert asked == ["/api/v1/heartbeat"]


@pytest.mark.feature("F239")
def test_pods_of_the_guards_are_listed_and_their_log_is_read(allowed):
    allowed.deploy("guardrail-engine", replicas=2)
    allowed.wait_ready("guardrail-engine", 2)
    listed = allowed.run("k8s.pods", "act", selector="app=guardrail-engine").facts["pods"]
    assert [(each["phase"], each["ready"]) for each in listed] == [("Running", True)] * 2
    read = allowed.run("k8s.logs", "act", name=listed[0]["name"], lines=3)
    lines = read.facts["log"].splitlines()
    assert [line.split(":")[0] for line in lines] == ["line 497", "line 498", "line 499"]
    assert "tr0ub4dor" not in read.facts["log"]


def test_the_role_with_commands_is_enough_and_the_usual_one_is_not(allowed, kubeconfig, tmp_path):
    given = {"command": "disk", "name": "knowledgebeast"}
    usual = restricted(allowed, tmp_path, kubeconfig, ["k8s.history"], allow_exec=True)
    with pytest.raises(VerbForbidden, match="a command in Pod"):
        usual.run("k8s.exec", "act", **given)
    usual.disconnect()
    wider = restricted(allowed, tmp_path, kubeconfig, ["k8s.exec"], allow_exec=True)
    assert "Mounted on" in wider.run("k8s.exec", "act", **given).facts["output"]
    wider.disconnect()
