"""The search for the character NUL costs as little as the body that is searched."""

import tracemalloc

import orjson
import pytest

from trimtab.infra.web.json_body import InvalidRequest, refuse_nul


def peak_bytes(body):
    """Return the most memory that the search takes at once; the body must be refused."""
    value = orjson.loads(body)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidRequest):
            refuse_nul(body, value)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_name_above_many_values_is_not_copied_for_each():
    body = orjson.dumps({"a": "\0", "n" * 50_000: [0] * 2_000})
    assert peak_bytes(body) < 2_000_000


def test_many_values_deep_inside_do_not_repeat_their_path():
    deep = b'{"a": "\\u0000", "b": %s[%s]%s}' % (b"[" * 500, b"0," * 1_999 + b"0", b"]" * 500)
    assert peak_bytes(deep) < 2_000_000


def test_the_place_is_named_with_long_names_shortened():
    body = orjson.dumps({"rows": [{}, {"n" * 5_000: "\0"}]})
    with pytest.raises(InvalidRequest) as refused:
        refuse_nul(body, orjson.loads(body))
    assert refused.value.message.startswith(f"rows[1].{'n' * 100}: ")
