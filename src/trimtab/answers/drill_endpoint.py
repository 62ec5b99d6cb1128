"""A model's endpoint for drills, run as a process of its own: ``python drill_endpoint.py HOW``.

It listens on a free loopback port and prints it. ``honest`` quotes the first passage that it is
given; the other ways are those in which endpoints fail. Nothing but the standard library is
imported, so that it starts at once.
"""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MADE_UP = "The moon is made of forty thousand green cheeses from Denmark [1]."
_PASSAGE = re.compile(r"^\[(\d{1,3})\] \([^)\n]*\) ", re.MULTILINE)
_PLAIN = re.compile(r"[A-Z][^|`#\[\]<>]*\.")


def quote(body: dict[str, object]) -> str:
    """Return the first plain sentence of the passages, cited, or that there is none."""
    messages = body.get("messages")
    prompt = str(messages[-1].get("content")) if isinstance(messages, list) and messages else ""
    numbers = _PASSAGE.split(prompt.rpartition("\n\nQuestion:")[0])[1:]
    for number, text in zip(numbers[::2], numbers[1::2], strict=False):
        for paragraph in text.split("\n\n"):
            for sentence in re.split(r"(?<=[.!?])\s", " ".join(paragraph.split())):
                if _PLAIN.fullmatch(sentence) and 5 <= len(sentence.split()) <= 40:
                    return f"{sentence[:-1]} [{number}]."
    return "NOT_FOUND"


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
        return 200, b"{}"  # Traces are not JSON; their sender needs only the status.
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
            """Suppress the access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
