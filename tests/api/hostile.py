"""Requests that are wrong in every way a client can be wrong, made from the description of a route."""

import json
from urllib.parse import quote

from tests.api.wire import Sent

TEXTS = (
    "",
    " ",
    "p",
    "nowhere",
    "a" * 1001,
    "a" * 100_000,
    "\x00",
    "na\x00me",
    "\U0001f680",
    "\u202e\u200b",
    "../../etc/passwd",
    "%00",
    "' OR 1=1 --",
    "{{7*7}}",
    "What turns the rudder?",
    "[1] [2] [999]",
    "rate(http_requests_total[5m]) > 0",
    "trace_01HZZZZZZZZZZZZZZZZZZZZZZZ",
    "\ud800",
    "x\udfffy",
    "\r\nX-Injected: 1",
)
NUMBERS = (0, -1, 1, 5, 100, 101, 10**6, -(2**63), 2**63, 2**64, 10**400, 1.5, 1e308)
NAN = (float("nan"), float("inf"), float("-inf"))
ODD = (None, True, [], {}, [[]], {"a": {"b": []}}, ["p"], "1", "NaN")
RAW = (
    b"",
    b"{",
    b"nothing",
    b"NaN",
    b"null",
    b"[]",
    b'"\xff\xfe"',
    b"\xef\xbb\xbf{}",
    b"\x00",
    b'{"a": NaN}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 10_000,
    b'{"project": "p", "project": 1}',
    '{"project": "p"}'.encode("utf-16"),
    b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--",
    b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\x00\"\r\n\r\nabc\r\n--x--\r\n",
    b"--x\r\nContent-Disposition: form-data; name=\"project\"\r\n\r\np\r\n",
)  # fmt: skip
TYPES = (
    b"text/plain",
    b"application/xml",
    b"application/json; charset=utf-16",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data",
    b"multipart/form-data; boundary=x",
    b"\xff/\xfe",
    b"",
    b"application/json\x0b",
)
BINARY = bytes(range(128, 256))
KEYS = (b"wrong", b"tt_" + b"x" * 43, BINARY, b"", b"x" * 10_000, b"' OR 1=1 --")


class Pool:
    """Real values by the name of a parameter, so that requests also reach what is there; grows from answers."""

    def __init__(self, **known):
        self.known = {name: list(values) for name, values in known.items()}

    def of(self, name, chance):
        """Return a real value of that parameter, or None when none is known."""
        values = self.known.get(name)
        return chance.choice(values) if values else None

    def learn(self, body):
        """Remember the ids that an answer gives away."""
        for name in ("trace_id", "document_id", "erasure_id", "incident_id"):
            self._put(name, body.get(name))
        if str(body.get("id", "")).startswith("erasure_"):
            self._put("erasure_id", body["id"])
        if "role" in body and "key" in body:
            self._put("name", body["name"])

    def _put(self, name, value):
        values = self.known.setdefault(name, [])
        if isinstance(value, str) and value not in values:
            values.append(value)
            del values[:-20]


class Maker:
    """Makes values for a schema: mostly of its type, often at an edge, sometimes of another type."""

    def __init__(self, described, chance, pool):
        self._schemas = described["components"]["schemas"]
        self._chance = chance
        self._pool = pool

    def of(self, schema, name="", depth=0):
        """Return a value; ``name`` is the field's or the parameter's."""
        chance = self._chance
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[1]]
        if chance.random() < 0.08:
            return chance.choice((*ODD, *TEXTS, *NUMBERS, *NAN))
        if chance.random() < 0.5 and (real := self._pool.of(name, chance)) is not None:
            return real
        if "anyOf" in schema:
            return self.of(chance.choice(schema["anyOf"]), name, depth)
        if "enum" in schema:
            return chance.choice(schema["enum"])
        return self._of_type(schema, depth)

    def _of_type(self, schema, depth):
        chance, kind = self._chance, schema.get("type")
        if kind == "object" and depth < 4:
            return self._object(schema, depth)
        if kind == "array" and depth < 4:
            items = schema.get("items", {})
            return [self.of(items, "", depth + 1) for _ in range(chance.randrange(4))]
        if kind in {"integer", "number"}:
            return chance.choice((*NUMBERS, *NAN) if kind == "number" else NUMBERS)
        return chance.random() < 0.5 if kind == "boolean" else chance.choice(TEXTS)

    def _object(self, schema, depth):
        chance, made = self._chance, {}
        for name, part in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or chance.random() < 0.6:
                made[name] = self.of(part, name, depth + 1)
        if made and chance.random() < 0.1:
            made.pop(chance.choice(list(made)))
        if chance.random() < 0.2:
            made[chance.choice(TEXTS)] = chance.choice(TEXTS)
        return made


def request(method, path, operation, maker, chance):
    """Return the parts of a request for the route, some of them hostile, and whether it still is for that route."""
    query, headers, ours = [], [], True
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        value = _text(maker.of(parameter["schema"], name))
        if parameter["in"] == "path":
            value = value[:2000]
            ours = ours and is_segment(value)
            path = path.replace(f"{{{name}}}", quote(value, safe="", errors="surrogatepass"))
        elif parameter["in"] == "query":
            if parameter.get("required") or chance.random() < 0.7:
                query += [_pair(name, value[:2000])] * chance.choice((1, 1, 1, 2))
        elif chance.random() < 0.5:
            headers.append((name.lower().encode(), _header(value)))
    sent = Sent(method, path, "&".join(query).encode(), headers)
    if body := operation.get("requestBody"):
        sent.content, kind = _body(body["content"], maker, chance)
        sent.put(b"content-type", kind)
    return sent, ours


def is_segment(value):
    """Tell whether the value of a path's parameter leaves the request at its route."""
    return value not in ("", ".", "..") and "/" not in value


def spoil(sent, chance):
    """Spoil the request in one way that leaves its route; return the name of the way."""
    ways = {
        "bearer": lambda: [(b"authorization", b"Bearer " + chance.choice(KEYS))],
        "key": lambda: [(b"x-api-key", chance.choice(KEYS))],
        "scheme": lambda: [(b"authorization", chance.choice((b"Basic eDp5", BINARY, b"Bearer")))],
        "host": lambda: [(b"host", chance.choice((b"evil.example", BINARY, b"[::1", b"a b", b"")))],
        "origin": lambda: [(b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site")],
        "id": lambda: [(b"x-request-id", BINARY), (b"x-user-id", BINARY)],
        "proxy": lambda: [(b"x-forwarded-for", b"8.8.8.8"), (b"x-forwarded-host", b"evil.example")],
        "accept": lambda: [(b"accept", b"image/png"), (b"accept-encoding", b"x"), (b"range", b"bytes=0-1")],
        "cookie": lambda: [(b"cookie", b"trimtab_session=" + BINARY)],
    }  # fmt: skip
    way = chance.choice((*ways, "type", "raw", "query"))
    if way == "type":
        sent.put(b"content-type", chance.choice(TYPES))
    elif way == "raw":
        sent.content = chance.choice(RAW)
    elif way == "query":
        sent.query = chance.choice(
            (b"%", b"%zz=%ff", b"a" * 8000, b"q=%00&q=%ff&limit=1&limit=x", b"&&==;", BINARY)
        )
    else:
        for name, value in ways[way]():
            sent.put(name, value)
    return way


def _body(content, maker, chance):
    kind, described = chance.choice(list(content.items()))
    value = maker.of(described.get("schema", {}))
    if kind == "application/json":
        return json.dumps(value).encode("utf-8", "surrogatepass"), kind.encode()
    if kind == "application/x-www-form-urlencoded":
        fields = value.items() if isinstance(value, dict) else ()
        return "&".join(
            _pair(name, _text(one)[:5000]) for name, one in fields
        ).encode(), kind.encode()
    return _form(value, chance), b"multipart/form-data; boundary=x"


def _form(value, chance):
    parts = []
    for name, given in value.items() if isinstance(value, dict) else ():
        many = given if isinstance(given, list) else [given]
        for one in many:
            named = f'; filename="{chance.choice(("a.txt", "b.md", "c.pdf", ""))}"'
            named = named if name == "file" else ""
            field = quote(name[:100], safe="", errors="surrogatepass")
            parts.append(
                f'--x\r\nContent-Disposition: form-data; name="{field}"{named}\r\n\r\n{_text(one)}\r\n'
            )
    return "".join([*parts, "--x--\r\n"]).encode("utf-8", "surrogatepass")


def _pair(name, value):
    name = quote(name, safe="", errors="surrogatepass")
    return f"{name}={quote(value, safe='', errors='surrogatepass')}"


def _text(value):
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value)


def _header(value):
    return value[:300].encode("utf-8", "surrogatepass").translate(None, b"\r\n\x00")
