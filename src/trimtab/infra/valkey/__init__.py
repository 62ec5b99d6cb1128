"""Optional Valkey or Redis server that several processes share; it holds no state of record."""

from trimtab.infra.valkey.server import (
    Valkey,
    ValkeyAddressInvalid,
    ValkeyClientMissing,
    open_valkey,
)

__all__ = ["Valkey", "ValkeyAddressInvalid", "ValkeyClientMissing", "open_valkey"]
