"""API servers that cannot be used: nothing listens, no answer comes, or it is a page of a proxy."""

import socket
import threading

import pytest

from trimtab.infra.settings.sections.kubernetes import KubernetesSettings
from trimtab.kubernetes.cluster import POD, Cluster
from trimtab.kubernetes.clusters import Clusters
from trimtab.kubernetes.errors import (
    KubernetesNotConfigured,
    KubernetesTimeout,
    KubernetesUnavailable,
    ObjectUnknown,
)

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: u}}]
current-context: one
"""


def cluster(tmp_path, port, name=""):
    path = tmp_path / "kubeconfig"
    path.write_text(CONFIG % port)
    return Cluster(
        name, KubernetesSettings(enabled=True, kubeconfig=str(path), request_seconds=0.5)
    )


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
    made = cluster(tmp_path, listener.getsockname()[1])
    with pytest.raises(KubernetesUnavailable):
        made.find_all(POD, "production")
    made.close()
    server.join()


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
