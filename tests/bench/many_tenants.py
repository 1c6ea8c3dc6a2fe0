"""A store with very many tenants and keys: rows as the admin API writes them, put in bulk, past the change log."""

import base64
import os
from collections.abc import Iterator

import msgspec
import redis

from gateway.secrets import Keyring, fingerprint
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import ActiveRow, FineTuneRow, KeyRow, ProviderRow, TenantRow

KEYS_EACH = 2
_BATCH = 1000
_NOW = "2026-11-22T12:00:00.000Z"
_STOCK, _BASE = "gpt-4o-mini", "gpt-4o-mini-2024-07-18"
_STAMP = b"1 "  # the revision of the one change that was made before


class Seed:
    """What the rows are sealed with, and where their calls go. `base_url` ends in `/v1`."""

    def __init__(self, base_url: str) -> None:
        secret = os.urandom(32)
        self.encryption_keys = base64.b64encode(secret).decode()
        self._keyring = Keyring((secret,))
        self._base_url = base_url

    async def put(self, url: str, tenants: int) -> None:
        """The rows: `tenants` of one provider, one fine-tune that is active, and two callers' keys."""
        store = Store(url)
        try:  # the store's first change is one as any other, so that its log has a beginning
            first = msgspec.json.encode(TenantRow("first", _NOW, _NOW))
            await store.commit([Write(keys.TENANTS, "first", None, first)])
        finally:
            await store.close()
        with redis.Redis.from_url(url, protocol=2) as client:
            durable = client.config_get("appendfsync")["appendfsync"]
            client.config_set("appendfsync", "no")  # while these are written
            for start in range(0, tenants, _BATCH):
                numbers = range(start, min(start + _BATCH, tenants))
                client.hset(keys.table(keys.TENANTS), mapping=dict(map(self._tenant, numbers)))
                client.hset(keys.table(keys.KEYS), mapping={k: v for at in numbers for k, v in _keys(at)})
            client.config_set("appendfsync", durable)

    def _tenant(self, number: int) -> tuple[str, bytes]:
        name, job = name_of(number), f"job_{number:032d}"
        sealed = self._keyring.seal(f"sk-proj-{number:040d}", tenant=name, field="providers/main/api_key")
        account = self._keyring.seal(f"{number:064d}", tenant=name, field="account")
        row = TenantRow(
            name,
            _NOW,
            _NOW,
            name=f"Firm {number} LLP",
            default_provider="main",
            providers={"main": ProviderRow("openai_compatible", self._base_url, _STOCK, sealed, "…0000")},
            fine_tunes={job: FineTuneRow("main", f"ft:{_BASE}:org::{number:08d}", _BASE, account)},
            active=ActiveRow(job, 1.0, _NOW, "key_x"),
        )
        return name, _STAMP + msgspec.json.encode(row)


def name_of(number: int) -> str:
    """A tenant's name."""
    return f"firm-{number:06d}"


def key_of(number: int) -> str:
    """A caller's key of a tenant's."""
    return f"hs_bench-{number:06d}-0"


def _keys(number: int) -> Iterator[tuple[str, bytes]]:
    for which in range(KEYS_EACH):
        key_id = f"key_{number:028d}{which}"
        sha256 = fingerprint(f"hs_bench-{number:06d}-{which}")
        row = KeyRow(key_id, sha256, "caller", _NOW, name_of(number), "Assistant")
        yield key_id, _STAMP + msgspec.json.encode(row)
