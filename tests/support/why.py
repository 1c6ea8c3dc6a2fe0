"""Why records of calls that nobody made, and the store's way to hold them."""

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import redis

from gateway import timestamps
from gateway.alike import Alike, Own
from gateway.store import keys
from gateway.store.connection import Store
from gateway.why import WhyRecord, WhyWriter

TENANT = "acme"


def record(number: int = 0, **changes: Any) -> WhyRecord:
    """A record of a call that ended just now."""
    now = time.time()
    fields: dict[str, Any] = {
        "call_id": f"call_{int(now * 1000):012x}{number:020x}",
        "trace_id": f"{number:032x}",
        "span_id": None,
        "time": timestamps.from_seconds(now),
        "tenant": TENANT,
        "key_id": "key_1",
        "workflow": None,
        "endpoint": "chat/completions",
        "requested_model": "gpt-4o-mini",
        "routed_model": "gpt-4o-mini",
        "served_model": None,
        "provider": "main",
        "fine_tuned": False,
        "reason": "no_active_job",
        "job_id": None,
        "revision": 1,
        "attempts": 1,
        "status": 200,
        "error": None,
        "response_id": None,
        "stream": False,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": None,
        "duration_ms": 1.5,
        "time_to_first_chunk_ms": None,
        "cancelled": False,
        **changes,
    }
    return WhyRecord(**fields)


async def write(store: Store, records: Sequence[WhyRecord], keep: int = 100_000, days: int = 90) -> None:
    """Writes them as a gateway does."""
    writer = WhyWriter(store, keep, days)
    put(writer, records)
    await writer.flush()


def put(writer: WhyWriter, records: Iterable[WhyRecord]) -> None:
    """Gives records to a writer in their two parts; those that are alike have that part in common."""
    for one in records:
        writer.put(*parts(one))


def parts(one: WhyRecord) -> tuple[Alike, Own]:
    """What a record says as others do, and what is its own."""
    own = Own(**{name: getattr(one, name) for name in Own.__struct_fields__})
    return _alike(tuple(getattr(one, name) for name in Alike.__struct_fields__ if name != "tried")), own


@lru_cache(1000)
def _alike(values: tuple[Any, ...]) -> Alike:
    return Alike(*values)


async def length(store: Store, tenant: str = TENANT) -> int:
    """How many records a tenant has."""
    entries = await cast("Any", store.redis.xrange(keys.why_of(tenant)))
    return sum(int(fields.get(b"count", 1)) for _, fields in entries)


def written(client: redis.Redis) -> int:
    """How many records all streams were ever given: the number in an entry's id is its last record's."""
    with client.pipeline(transaction=False) as pipe:
        for name in client.scan_iter(keys.why_of("*"), count=1000):
            pipe.xrevrange(name, count=1)
        newest = pipe.execute()
    return sum(int(entries[0][0].partition(b"-")[2]) for entries in newest if entries)
