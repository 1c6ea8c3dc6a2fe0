"""Redis killed with -9 in the middle of changes: each is there whole or not at all, and no durable one is lost."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from gateway.store import keys
from gateway.store.connection import Conflict, Note, Store, StoreUnavailable, Write
from gateway.store.rows import Row
from tests.support.processes import wait_until
from tests.support.redis import Stoppable, stoppable

ROUNDS = 8
TENANTS = ("acme", "birch", "cedar")
TIMELINE = keys.timeline_of("job_1")


async def keep_changing(store: Store, tenant: str, confirmed: list[int]) -> None:
    """One change after another, until the store is gone. Each writes everywhere a change can write."""
    while True:
        try:
            row = await store.row(keys.TENANTS, tenant)
            number = _number(row) + 1
            body = msgspec.json.encode({"tenant": tenant, "number": number})
            mark = f"{tenant}-{number}"
            writes = [
                Write(keys.TENANTS, tenant, row, body),
                Write(keys.KEYS, mark, None, body),
                Write("plain", mark, None, body),
            ]
            audit = msgspec.json.encode({"what": mark})
            notes = [Note(TIMELINE, audit)]
            committed = await store.commit(writes, audit=audit, tenant=tenant, notes=notes)
            if committed.durable:  # it could still be asked
                confirmed.append(committed.revision)
        except Conflict:
            continue
        except StoreUnavailable:
            return


def _number(row: Row | None) -> int:
    return int(msgspec.json.decode(row.body)["number"]) if row is not None else 0


async def stream(store: Store, name: str) -> list[dict[bytes, bytes]]:
    """The fields of every entry."""
    return [fields for _, fields in await cast("Any", store.redis.xrange(name))]


async def check(store: Store, confirmed: list[int]) -> None:
    """Rows, change stream, audit records and timeline tell of the same changes, each once."""
    changes = await cast("Any", store.redis.xrange(keys.CHANGES))
    revisions = [int(entry.partition(b"-")[0]) for entry, _ in changes]
    assert revisions == list(range(1, len(revisions) + 1))
    assert await store.revision() == len(revisions) >= max(confirmed, default=0)
    marks = set(await store.fields(keys.KEYS))
    assert len(marks) == len(revisions)
    assert set(await store.fields("plain")) == marks
    told = {next(name for name in fields if name.startswith(b"key/")) for _, fields in changes}
    assert {name.decode().removeprefix("key/") for name in told} == marks
    for name in (keys.AUDIT, TIMELINE):
        lines = await stream(store, name)
        said = [msgspec.json.decode(fields.get(b"record") or fields[b"event"])["what"] for fields in lines]
        assert len(said) == len(set(said))
        assert set(said) == marks
    for tenant in TENANTS:
        row = await store.row(keys.TENANTS, tenant)
        assert _number(row) == sum(mark.startswith(f"{tenant}-") for mark in marks)
        assert len(await stream(store, keys.audit_of(tenant))) == _number(row)


@pytest.fixture
def redis(tmp_path: Path) -> Any:
    """A Redis of the test's own."""
    with stoppable(tmp_path / "data") as server:
        yield server


async def test_no_change_is_half_there_whenever_redis_is_killed(redis: Stoppable) -> None:
    store = Store(redis.url)
    confirmed: list[int] = []
    try:
        for number in range(ROUNDS):
            before = len(confirmed)
            changing = [asyncio.create_task(keep_changing(store, tenant, confirmed)) for tenant in TENANTS]
            while len(confirmed) < before + 20 + number:  # noqa: ASYNC110 - a test's only waiting
                await asyncio.sleep(0)
            os.kill(redis.pid, signal.SIGKILL)
            await asyncio.gather(*changing)
            await asyncio.to_thread(wait_until, lambda: _answers(redis), 20, "redis to be started again")
            await check(store, confirmed)
            assert len(confirmed) == len(set(confirmed))
    finally:
        await store.close()


def _answers(server: Stoppable) -> bool:
    try:
        return server.pid > 0
    except Exception:  # noqa: BLE001 - whatever the client says of a server that is not there
        return False
