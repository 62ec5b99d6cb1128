"""A model's endpoint for drills, run as a process of its own: ``python drill_endpoint.py HOW``.

It listens on a free loopback port and prints it. ``honest`` quotes the first passage that it is given; the other ways are
those in which endpoints fail. Nothing but the standard library is imported, so that it starts at once.
"""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MADE_UP = "The moon is made of forty thousand green cheeses from Denmark [1]."
_PASSAGE = re.compile(r"\[1\] \([^\n]*?\) (.*?)(?:\n|$)", re.DOTALL)


def quote(body: dict[str, object]) -> str:
    """Return the first sentence of the first passage, cited."""
    messages = body.get("messages")
    prompt = str(messages[-1].get("content")) if isinstance(messages, list) and messages else ""
    found = _PASSAGE.search(prompt)
    text = found.group(1).strip() if found else ""
    sentence = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].rstrip(".!?")
    return f"{sentence[:400]} [1]." if sentence else "NOT_FOUND"


def completion(text: str, *, streamed: bool) -> bytes:
    """Return the reply in the shape of the chat-completions interface."""
    base = {"id": "x", "created": 1, "model": "drill"}
    if streamed:
        chunk = base | {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {"content": text}}],
        }
        return f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps(base | {"object": "chat.completion", "choices": [choice]}).encode()


def reply(how: str, raw: bytes) -> tuple[int, bytes]:
    """Return status and body of the reply to a request."""
    if how.isdigit():
        return int(how), b"{}"
    if how == "garbage":
        return 200, b"{garbage"
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return 200, b"{}"  # Traces are not JSON; whoever sends them wants only the status.
    text = MADE_UP if how == "unsupported" else quote(body)
    return 200, completion(text, streamed=bool(body.get("stream")))


def main() -> None:
    """Serve until the process is ended."""
    how = sys.argv[1]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = reply(how, raw)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
