"""Our gateway with everything on: callers' keys, tenants with an active fine-tune, spans over OTLP/HTTP to the sink,
metrics, Why records in a Redis of its own. The rows are those that the admin API writes.
"""

import asyncio
import base64
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import redis

from gateway.secrets import Keyring, fingerprint, new_key
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.embedded import EmbeddedRedis
from gateway.store.rows import ActiveRow, FineTuneRow, KeyRow, ProviderRow, TenantRow
from tests.bench.kernel import pin
from tests.bench.running import GATEWAY_CORES, LOAD_CORES, Running
from tests.bench.upstream import TUNED
from tests.support.processes import gateway_environ, running
from tests.support.why import written

STOCK, _BASE = "gpt-4o-mini", "gpt-4o-mini-2024-07-18"
_NOW = "2026-11-22T12:00:00.000Z"
_KEY = b"b" * 32
_AT_ONCE = 250


@contextlib.contextmanager
def housestyle(
    folder: Path,
    upstream: str,
    sink: str,
    *,
    name: str = "housestyle",
    tenants: int = 1,
    workers: int = 1,
    cores: frozenset[int] = GATEWAY_CORES,
    environ: dict[str, str] | None = None,
) -> Iterator[Running]:
    """It, serving `tenants` tenants with a key each. `upstream` is a URL without its `/v1`; `sink` takes the spans."""
    with EmbeddedRedis(folder / "redis", os.environ) as store:
        callers = asyncio.run(_write(store.url, f"{upstream}/v1", tenants))
        with redis.Redis.from_url(store.url, protocol=2) as client:
            store_pid = int(client.info("server")["process_id"])
        pin(store_pid, LOAD_CORES)
        settings = gateway_environ(
            folder / "data",
            HOUSESTYLE_REDIS_URL=store.url,
            HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(_KEY).decode(),
            HOUSESTYLE_ARTIFACTS_URL=(folder / "artifacts").as_uri(),
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink,
            OTEL_BSP_SCHEDULE_DELAY="500",  # the last spans of a round belong to its cost
        ) | (environ or {})
        arguments = ["serve", "--port", "0", "--workers", str(workers)]
        with running(arguments, settings, folder / "log") as program:
            pin(program.process.pid, cores)
            yield Running(name, program.url, program.process.pid, callers, STOCK, store_pid, sink, store.url)


def records(gateway: Running) -> int:
    """How many Why records its store's streams have ever taken."""
    if gateway.store_url is None:
        return 0
    with redis.Redis.from_url(gateway.store_url, protocol=2) as client:
        return written(client)


async def _write(url: str, base_url: str, tenants: int) -> tuple[str, ...]:
    """The tenants, and their callers' keys."""
    keyring = Keyring((_KEY,))
    made = [(f"t{number}", new_key()) for number in range(tenants)]
    store = Store(url)
    try:
        for start in range(0, tenants, _AT_ONCE):
            batch = made[start : start + _AT_ONCE]
            await store.commit([write for name, key in batch for write in _rows(keyring, base_url, name, key)])
    finally:
        await store.close()
    return tuple(key for _, key in made)


def _rows(keyring: Keyring, base_url: str, name: str, key: str) -> list[Write]:
    """A tenant with one provider and one fine-tune, which is active; and its key."""
    sealed = keyring.seal(f"sk-{name}", tenant=name, field="providers/main/api_key")
    tenant = TenantRow(
        name,
        _NOW,
        _NOW,
        default_provider="main",
        providers={"main": ProviderRow("openai_compatible", base_url, STOCK, sealed)},
        fine_tunes={f"job_{name}": FineTuneRow("main", TUNED % name, _BASE)},
        active=ActiveRow(f"job_{name}", 1.0, _NOW, "key_bench"),
    )
    caller = KeyRow(f"key_{name}", fingerprint(key), "caller", _NOW, name, "Assistant")
    return [
        Write(keys.TENANTS, name, None, msgspec.json.encode(tenant)),
        Write(keys.KEYS, caller.id, None, msgspec.json.encode(caller)),
    ]
