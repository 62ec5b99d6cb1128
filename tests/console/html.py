"""Reads the tags of a page."""

from html.parser import HTMLParser

_ADDRESSES = ("src", "href", "action", "hx-get", "hx-post", "sse-connect")


class FoundTags(HTMLParser):
    """Tags of a page, and what a content security policy or an outage of the network would break."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inline, self.foreign = [], [], []
        self.unlabelled_fields = set()
        self._labels, self._in_label = set(), False
        self.feed(text)
        self.unlabelled_fields -= self._labels

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        for name in _ADDRESSES:
            if (given.get(name) or "/").split("?")[0].startswith(("http:", "https:", "//")):
                self.foreign.append(given[name])
        if tag == "label":
            self._in_label = True
            self._labels.add(given.get("for"))
        elif tag in ("input", "select", "textarea") and not self._is_labelled(given):
            self.unlabelled_fields.add(given.get("id", given.get("name")))

    def handle_endtag(self, tag):
        if tag == "label":
            self._in_label = False

    def _is_labelled(self, given):
        return self._in_label or "aria-label" in given or given.get("type") == "hidden"
