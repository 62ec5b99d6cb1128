"""What JSON the gates refuse, and which path they name."""

import pytest

from trimtab.gates.strictjson import LARGEST, MAX_BYTES, parse


def found(raw):
    return [(one.code, one.path) for one in parse(raw).findings]


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_number_that_is_missing_is_named_by_its_path(word):
    raw = b'{"results": [{"accuracy": 1}, {"accuracy": %b}]}' % word
    assert found(raw) == [("schema.invalid_json", "$.results[1].accuracy")]
    assert parse(raw).findings[0].message.endswith("is not JSON: a measured value is missing")


def test_a_number_is_large_beyond_2_to_the_53():
    assert LARGEST == 9_007_199_254_740_992
    assert found(b'{"a": %d, "b": %d}' % (LARGEST, -LARGEST)) == []
    assert found(b'{"a": %d}' % (LARGEST + 1)) == [("schema.number_too_large", "$.a")]
    assert found(b'{"a": [%d]}' % (-LARGEST - 1)) == [("schema.number_too_large", "$.a[0]")]


def test_a_document_may_have_256_megabytes():
    assert MAX_BYTES == 256 * 1024 * 1024


@pytest.mark.parametrize(
    "raw", [b'{"a": 1, "a": 2}', b'{"a" : 1, "a": 2}', b'{"\\u0061": 1, "a": 2}']
)
def test_a_doubled_key_is_named_however_it_is_written(raw):
    assert found(raw) == [("schema.duplicate_key", "$.a")]


def test_a_document_without_a_fault_is_returned():
    assert parse(b'{"a": {"b": [1, 2.5, ":", null]}}').value == {"a": {"b": [1, 2.5, ":", None]}}
    assert found(b'{"a": {"b": [1, 2.5, ":", null]}}') == []
