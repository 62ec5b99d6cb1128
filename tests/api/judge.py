"""Holds an answer against what the OpenAPI document says of its route."""

import json
from collections import Counter, defaultdict

import jsonschema_rs


class Judge:
    """Collects what is wrong, and which statuses each route has given."""

    def __init__(self, described):
        self._described = closed(described)
        self._checks = {}
        self.seen = defaultdict(Counter)
        self.wrong = Counter()
        self.samples = {}

    def of_route(self, method, path, answer, sent):
        """Judge an answer of a documented route."""
        self.seen[method, path][answer.status] += 1
        responses = self._described["paths"][path][method.lower()]["responses"]
        documented = responses.get(str(answer.status))
        if documented is None:
            self._note(f"{method} {path}: {answer.status} is not documented", answer, sent)
        elif answer.status >= 500:
            self._note(f"{method} {path}: {answer.status}", answer, sent)
        else:
            self._form(f"{method} {path}: {answer.status}", documented, answer, sent)

    def of_stray(self, answer, sent):
        """Judge an answer to a request that is for no route: a refusal in the usual form."""
        self.seen["stray", ""][answer.status] += 1
        if not 400 <= answer.status < 500:
            self._note(f"stray: {answer.status}", answer, sent)
        elif sent.method != "HEAD":
            documented = {
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}
                }
            }
            self._form(f"stray: {answer.status}", documented, answer, sent)

    def of_page(self, method, path, answer, sent):
        """Judge an answer of the console: pages, redirections and refusals, never a mistake."""
        self.seen[method, path][answer.status] += 1
        if answer.status >= 500:
            self._note(f"{method} {path}: {answer.status}", answer, sent)

    def unseen(self):
        """Return the documented statuses below 500 that no answer had."""
        return [
            f"{method.upper()} {path}: {status} is documented and was never given"
            for path, methods in self._described["paths"].items()
            for method, operation in methods.items()
            for status in operation["responses"]
            if int(status) < 500 and not self.seen[method.upper(), path][int(status)]
        ]

    def statuses(self):
        """Return how often each status was given, over all routes."""
        found = Counter()
        for seen in self.seen.values():
            found.update({int(status): count for status, count in seen.items()})
        return dict(sorted(found.items()))

    def lines(self):
        """Return what is wrong, the most frequent first, each with one request that shows it."""
        return [
            f"{what} ({count} times) {self.samples[what]}"
            for what, count in self.wrong.most_common()
        ]

    def _form(self, what, documented, answer, sent):
        content = documented.get("content")
        if not content:
            if answer.content:
                self._note(f"{what}: a body where none is documented", answer, sent)
            return
        media = answer.media
        if media not in content:
            self._note(f"{what}: content type {media!r} is not documented", answer, sent)
            return
        for body in _bodies(media, answer):
            if body is _BROKEN:
                self._note(f"{what}: the body is not {media}", answer, sent)
            elif schema := content[media].get("schema"):
                problem = self._problem(schema, body) if media == "application/json" else ""
                if problem:
                    self._note(f"{what}: {problem}", answer, sent)

    def _problem(self, schema, body):
        key = json.dumps(schema, sort_keys=True)
        if key not in self._checks:
            whole = {**schema, "components": self._described["components"]}
            self._checks[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        error = next(iter(self._checks[key].iter_errors(body)), None)
        return "" if error is None else f"{'/'.join(map(str, error.instance_path))} {error.message}"

    def _note(self, what, answer, sent):
        what = what[:300]
        self.wrong[what] += 1
        self.samples.setdefault(what, f"{_short(sent)} -> {answer.content[:200]!r}")


def closed(described):
    """Return the document with every object that lists its fields closed: a field that no schema tells is wrong here.

    The document itself leaves objects open, so that a later release may add fields without breaking clients.
    """
    if isinstance(described, list):
        return [closed(one) for one in described]
    if not isinstance(described, dict):
        return described
    found = {name: closed(one) for name, one in described.items()}
    if found.get("type") == "object" and isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found


_BROKEN = object()


def _bodies(media, answer):
    """Yield what is to be checked: the body, or each line or event of one."""
    text = answer.content.decode()
    pieces = [text] if media == "application/json" else []
    if media == "application/x-ndjson":
        pieces = text.splitlines()
    elif media == "text/event-stream":
        pieces = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    for piece in pieces:
        try:
            yield json.loads(piece, parse_constant=_refuse)
        except ValueError:
            yield _BROKEN


def _refuse(constant):
    raise ValueError(constant)


def _short(sent):
    names = {b"x-api-key": b"...", b"authorization": b"..."}
    headers = [(name, names.get(name, value[:60])) for name, value in sent.headers]
    said = f"{sent.query[:100]} {sent.content[:200]} {headers}"
    return f"{sent.method} {sent.path[:150]} {said}"[:600]
