"""An optional Valkey or Redis server that several processes share; no state of record lies in it."""

from trimtab.infra.valkey.server import (
    Valkey,
    ValkeyAddressInvalid,
    ValkeyClientMissing,
    open_valkey,
)

__all__ = ["Valkey", "ValkeyAddressInvalid", "ValkeyClientMissing", "open_valkey"]
