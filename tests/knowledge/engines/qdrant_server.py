"""A Qdrant server over real HTTP that follows a script: collections, their size, and a key."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


def collection(points, size, datatype="float32", *, reads=None, writes=None, named=False):
    """Return the description of a collection as `GET /collections/{name}` has it."""
    vectors = {"size": size, "distance": "Dot", "datatype": datatype}
    strict = {"enabled": True, "read_rate_limit": reads, "write_rate_limit": writes}
    return {
        "status": "green",
        "points_count": points,
        "config": {
            "params": {"vectors": {"text": vectors, "title": vectors} if named else vectors},
            "strict_mode_config": strict if reads or writes else None,
        },
    }


@contextmanager
def qdrant_server(collections, key=""):
    """Serve the collections; yield the address with its key. A string is sent instead of JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if key and self.headers.get("api-key") != key:
                return self._send(403, {"status": {"error": "forbidden"}})
            if isinstance(collections, str):
                return self._send(200, collections)
            if self.path == "/collections":
                names = [{"name": name} for name in collections]
                return self._send(200, {"result": {"collections": names}})
            name = unquote(self.path.removeprefix("/collections/"))
            return self._send(200, {"result": collections[name]})

        def _send(self, status, body):
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    user = f":{key}@" if key else ""
    try:
        yield f"http://{user}127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
