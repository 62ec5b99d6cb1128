"""A receiver of pages: counts each message by its idempotency key."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages:
    """Listens on a loopback port and remembers the messages."""

    def __init__(self):
        self.by_key = Counter()
        self.text_of = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["content-length"])).decode()
                key = self.headers.get("idempotency-key", "")
                outer.by_key[key] += 1
                outer.text_of[key] = text
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def doubled(self):
        """Return texts of one opening that came under several keys: a receiver cannot tell that they are the same.

        A key is ``CHANNEL|INCIDENT:OPENING:...``. Two incidents of one alert may well have the same text.
        """
        texts = Counter((tuple(key.split(":")[:2]), text) for key, text in self.text_of.items())
        return [text for (_, text), count in texts.items() if count > 1]

    def repeated(self):
        """Return how many messages came again under their own key, by which a receiver drops them."""
        return sum(count - 1 for count in self.by_key.values())

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
