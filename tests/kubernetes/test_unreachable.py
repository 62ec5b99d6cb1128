"""API servers that cannot be used: nothing listens, no answer comes, or it is a page of a proxy."""

import contextlib
import json
import socket
import threading

import pytest

from trimtab.infra.dependencies import Dependencies
from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kubernetes.cluster import AUTOSCALER, DEPLOYMENT, POD, Cluster, Patch
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import (
    KubernetesNotConfigured,
    KubernetesTimeout,
    KubernetesUnavailable,
    ObjectUnknown,
)
from trimtab.testing.clock import FakeClock

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: u}}]
current-context: one
"""


def cluster(tmp_path, port, dependencies=None, **changed):
    path = tmp_path / "kubeconfig"
    path.write_text(CONFIG % port)
    given = {"request_seconds": 0.5, **changed}
    settings = KubernetesSettings(enabled=True, kubeconfig=str(path), **given)
    return Cluster("", settings, dependencies)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_nothing_listens(tmp_path, listener):
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(KubernetesUnavailable, match="cannot be asked for the list of pods"):
        cluster(tmp_path, port).find_all(POD, "production")


def test_no_answer_comes(tmp_path, listener):
    with pytest.raises(KubernetesTimeout, match=r"in 0\.5 s"):
        cluster(tmp_path, listener.getsockname()[1]).find_all(POD, "production")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>",
        b"garbage\r\n\r\n",
    ],
)
def test_the_answer_is_no_answer_of_an_api_server(tmp_path, listener, answer):
    def serve():
        caller, _ = listener.accept()
        with caller:
            caller.recv(65536)
            caller.sendall(answer)

    server = threading.Thread(target=serve)
    server.start()
    made = cluster(tmp_path, listener.getsockname()[1], request_seconds=60.0)
    with pytest.raises(KubernetesUnavailable):
        made.find_all(POD, "production")
    made.close()
    server.join()


BROKEN = (
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/plain\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
MISSING = BROKEN.replace(b"502 Bad Gateway", b"404 Not Found")


class Answers:
    """An API server that gives one answer after another, and counts the calls."""

    def __init__(self, listener):
        self.port = listener.getsockname()[1]
        self.next = BROKEN
        self.calls = 0
        self._listener = listener
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # A close alone would not wake the thread.
        self._thread.join()

    def _serve(self):
        with contextlib.suppress(OSError):  # It was closed.
            while True:
                caller, _ = self._listener.accept()
                with caller:
                    caller.recv(65536)
                    self.calls += 1
                    caller.sendall(self.next)


@pytest.fixture
def guarded(tmp_path, listener):
    """Return a server, a cluster behind a breaker, the breakers, and the clock of their pauses."""
    server, clock = Answers(listener), FakeClock()
    dependencies = Dependencies(clock)
    made = cluster(tmp_path, server.port, dependencies, request_seconds=60.0)
    yield server, made, dependencies, clock
    made.close()
    server.stop()


@pytest.mark.feature("F189", "F611")
def test_after_three_failures_the_api_server_is_left_alone_for_ten_seconds(guarded):
    server, made, dependencies, clock = guarded
    for _ in range(3):
        with pytest.raises(KubernetesUnavailable, match="502"):
            made.get(POD, "production", "web")
    for call in (
        lambda: made.get(POD, "production", "web"),
        lambda: made.find_all(POD, "production"),
        lambda: made.patch(DEPLOYMENT, "production", "web", Patch({})),
        lambda: made.apply(POD, {"metadata": {"name": "web", "namespace": "production"}}),
        lambda: made.delete(POD, "production", "web"),
        lambda: made.evict("production", "web"),
        lambda: made.logs("production", "web", "", 10),
    ):
        with pytest.raises(KubernetesUnavailable, match="failed several times in a row"):
            call()
    assert server.calls == 3
    assert dependencies.states() == {"kubernetes": "open"}
    clock.advance(9.9)
    with pytest.raises(KubernetesUnavailable, match="failed several times in a row"):
        made.get(POD, "production", "web")
    clock.advance(0.2)
    server.next = MISSING
    for _ in range(2):
        with pytest.raises(ObjectUnknown):
            made.get(POD, "production", "web")
    assert server.calls == 5
    assert dependencies.states() == {"kubernetes": "closed"}


@pytest.mark.feature("F189")
def test_refusals_are_answers_and_open_nothing(guarded):
    server, made, dependencies, _ = guarded
    server.next = MISSING
    for _ in range(5):
        with pytest.raises(ObjectUnknown):
            made.get(POD, "production", "web")
    assert server.calls == 5
    assert dependencies.states() == {"kubernetes": "closed"}


@pytest.mark.feature("F189")
def test_a_kind_with_several_versions_is_asked_for_after_the_pause(guarded):
    server, made, dependencies, clock = guarded
    for _ in range(3):
        with pytest.raises(KubernetesUnavailable):
            made.find_all(AUTOSCALER, "production")
    clock.advance(10.1)
    listed = json.dumps({"items": [{"metadata": {"name": "v2.autoscaling"}}]}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    server.next = head + b"content-length: %d\r\n\r\n%b" % (len(listed), listed)
    assert [each["metadata"]["name"] for each in made.find_all(AUTOSCALER, "production")] == [
        "v2.autoscaling"
    ]
    assert dependencies.states() == {"kubernetes": "closed"}


@pytest.mark.feature("F189")
def test_each_cluster_of_a_service_has_a_breaker_of_its_own(tmp_path, listener):
    (tmp_path / "kubeconfig").write_text(CONFIG % listener.getsockname()[1])
    listener.close()
    settings = KubernetesSettings(
        enabled=True, kubeconfig=str(tmp_path / "kubeconfig"), contexts=("one", "two")
    )
    dependencies = Dependencies(FakeClock())
    clusters = Clusters(settings, dependencies)
    for _ in range(3):
        with pytest.raises(KubernetesUnavailable):
            clusters.cluster("one").find_all(POD, "production")
    with pytest.raises(KubernetesUnavailable, match="cannot be asked"):
        clusters.cluster("two").find_all(POD, "production")
    assert dependencies.states() == {"kubernetes one": "open", "kubernetes two": "closed"}
    clusters.close()


@pytest.mark.parametrize("text", ["", "not: [yaml", "kind: Config", "[]"])
def test_a_kubeconfig_that_is_none_is_told(tmp_path, text):
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    made = Cluster("", KubernetesSettings(enabled=True, kubeconfig=str(path)))
    with pytest.raises(KubernetesNotConfigured, match="cannot be read"):
        made.find_all(POD, "production")


def test_without_a_pod_of_its_own_there_is_no_service_account():
    made = Cluster("", KubernetesSettings(enabled=True))
    with pytest.raises(KubernetesNotConfigured):
        made.find_all(POD, "production")


def test_clusters_have_names():
    clusters = Clusters(KubernetesSettings(enabled=True, contexts=("one", "two")))
    assert [each.name for each in clusters] == ["one", "two"]
    assert clusters.cluster().name == "one"
    assert clusters.cluster("two").name == "two"
    with pytest.raises(ObjectUnknown, match="no cluster 'three'"):
        clusters.cluster("three")
    with pytest.raises(KubernetesNotConfigured, match="No Kubernetes cluster is configured"):
        Clusters(KubernetesSettings()).cluster()
