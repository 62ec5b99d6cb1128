"""Fingerprints of alerts, equal to those of Prometheus and Alertmanager."""

from collections.abc import Mapping

_OFFSET = 14695981039346656037
_PRIME = 1099511628211
_MASK = (1 << 64) - 1
_SEPARATOR = b"\xff"


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return the 64-bit FNV-1a hash of the sorted labels as 16 hexadecimal digits.

    Each name and each value is followed by the byte 0xff, as in the Go package
    ``prometheus/common/model``, so that `amtool` and trimtab show the same fingerprint.
    """
    parts: list[bytes] = []
    for name in sorted(labels):
        parts += (name.encode(), _SEPARATOR, labels[name].encode(), _SEPARATOR)
    found = _OFFSET
    for byte in b"".join(parts):
        found = ((found ^ byte) * _PRIME) & _MASK
    return f"{found:016x}"
