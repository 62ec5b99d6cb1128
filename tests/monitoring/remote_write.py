"""Writes samples into a Prometheus server bit by bit as given, stale markers included.

The text formats cannot carry a stale marker (they make every NaN the same), remote write can. Its protocol buffer has
three small messages, and Snappy allows blocks of literals only, so neither library is needed.
"""

import struct
from collections.abc import Iterable

import httpx

Series = tuple[tuple[tuple[str, str], ...], list[tuple[int, float | None]]]
"""Labels, and samples ``(milliseconds, value)`` in order; None is the stale marker."""

_STALE = struct.pack("<Q", 0x7FF0000000000002)


def write(url: str, series: Iterable[Series]) -> None:
    body = _snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series))
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    reply = httpx.post(f"{url}/api/v1/write", content=body, headers=headers, timeout=60)
    assert reply.status_code in {200, 204}, reply.text


def _series(labels, samples):
    pairs = [
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels
    ]
    return b"".join(pairs) + b"".join(_field(2, _sample(at_ms, value)) for at_ms, value in samples)


def _sample(at_ms, value):
    bits = _STALE if value is None else struct.pack("<d", value)
    return b"\x09" + bits + b"\x10" + _varint(at_ms)


def _field(number, payload):
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _snappy(data):
    out = bytearray(_varint(len(data)))
    for start in range(0, len(data), 65536):
        chunk = data[start : start + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(chunk) - 1) + chunk
    return bytes(out)
