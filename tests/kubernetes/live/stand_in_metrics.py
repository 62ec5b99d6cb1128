"""A stand-in for a metrics server: the API server passes requests for metrics.k8s.io to it, as it does to a real one."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.kubernetes.live.certificate import server_context
from trimtab.kubernetes.cluster import API_SERVICE, SERVICE
from trimtab.kubernetes.errors import KubernetesUnavailable, ObjectUnknown
from trimtab.kubernetes.usage import NODE_METRICS, POD_METRICS

GROUP = "/apis/metrics.k8s.io/v1beta1"


class StandInApi:
    """Serves an API group that the API server passes on; listens on loopback with a certificate of its own."""

    def __init__(self, folder):
        context = server_context(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        # The thread of each connection shakes hands: one that waits must not stop the others.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.port = self._server.server_port

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path):
        """Return the document of a path."""
        raise NotImplementedError

    def _handler(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(stand_in.answer(self.path)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


class StandInMetrics(StandInApi):
    """The use of nodes and pods that it is given."""

    def __init__(self, folder):
        self.nodes, self.pods = [], []
        super().__init__(folder)

    def answer(self, path):
        """Return the document of a path."""
        path = path.split("?")[0]
        if path == GROUP:
            names = (("nodes", "NodeMetrics", False), ("pods", "PodMetrics", True))
            resources = [
                {
                    "name": name,
                    "singularName": "",
                    "kind": kind,
                    "namespaced": namespaced,
                    "verbs": ["get", "list"],
                }
                for name, kind, namespaced in names
            ]
            version = GROUP.removeprefix("/apis/")
            return {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": version,
                "resources": resources,
            }
        items = self.nodes if path == f"{GROUP}/nodes" else self.pods
        kind = "NodeMetricsList" if items is self.nodes else "PodMetricsList"
        version = GROUP.removeprefix("/apis/")
        return {"kind": kind, "apiVersion": version, "metadata": {}, "items": items}


@contextlib.contextmanager
def metrics_api(world, folder):
    """Yield a metrics API of the cluster; it is taken away at the end."""
    with (
        contextlib.closing(StandInMetrics(folder)) as stand_in,
        passed_on(world, stand_in, "metrics.k8s.io"),
    ):
        world.wait(lambda: _is_available(world))
        yield stand_in


@contextlib.contextmanager
def passed_on(world, stand_in, group):
    """Let the API server pass requests for a group to the stand-in; end it afterwards."""
    port = {"port": stand_in.port, "protocol": "TCP"}
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [port]}
    world.apply(SERVICE, "passed-on", spec=spec)
    service = {"namespace": world.namespace, "name": "passed-on", "port": stand_in.port}
    spec = {
        "group": group,
        "version": "v1beta1",
        "service": service,
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    # This kind cannot be applied on the old server.
    resource = world.cluster._resource(API_SERVICE)
    manifest = {"kind": "APIService", "metadata": {"name": f"v1beta1.{group}"}, "spec": spec}
    version = "apiregistration.k8s.io/v1"
    world.cluster.client().create(resource.from_dict({**manifest, "apiVersion": version}))
    try:
        yield
    finally:
        world.cluster.delete(API_SERVICE, "", f"v1beta1.{group}")


def _is_available(world):
    """Return whether the API server passes requests on, which is a moment after it says so."""
    world.cluster.forget_versions()
    try:
        world.cluster.find_all(NODE_METRICS)
        world.cluster.find_all(POD_METRICS, world.namespace)
    except (ObjectUnknown, KubernetesUnavailable):
        return False
    return True
