"""The way of every change, over a real store: written once, with its record; where all stands already, waited for."""

import asyncio
import time
from typing import Any, cast

import msgspec
import pytest

from gateway import timestamps
from gateway.admin.changes import Changed, Control, Plan, tenant_kept, tenant_write
from gateway.audit import AuditReader, Wanted
from gateway.store import keys
from gateway.store.audits import Actor
from gateway.store.connection import Store
from gateway.store.rows import TenantRow

BOOTSTRAP = Actor("platform_admin", "bootstrap", "HOUSESTYLE_BOOTSTRAP")
ACME = TenantRow("acme", created_at="2026-11-22T12:00:00.000Z", updated_at="2026-11-22T12:00:00.000Z")


@pytest.fixture
def control(store: Store) -> Control:
    """Control over an empty store, with no replica to wait for."""
    return Control(store, lambda: timestamps.from_seconds(time.time()))


async def live(store: Store, revision: int) -> None:
    """A replica that has applied `revision`."""
    await store.beat("rep_1", revision, "1", 60_000)


async def make(control: Control) -> Changed[None]:
    """The tenant, made."""

    async def plan() -> Plan[None]:
        return Plan([tenant_write(None, ACME)], None, None, {"name": "acme"})

    return await control.change(BOOTSTRAP, "tenant.put", "acme", plan)


async def keep(control: Control) -> Changed[None]:
    """The same asked for once more."""

    async def plan() -> Plan[None]:
        _, row = await control.tenant("acme")
        return Plan([tenant_kept("acme", row)], None)

    return await control.change(BOOTSTRAP, "tenant.put", "acme", plan)


async def records(store: Store) -> int:
    """How many audit records there are."""
    return int(await cast("Any", store.redis.xlen(keys.AUDIT)))


async def test_who_is_no_caller_over_a_network_is_recorded_without_an_address(store: Store, control: Control) -> None:
    await live(store, 1)
    made = await make(control)
    [record] = (await AuditReader(store, 1).page("acme", Wanted(), 10, None)).records
    assert msgspec.to_builtins(record.actor) == {
        "type": "platform_admin",
        "id": "bootstrap",
        "label": "HOUSESTYLE_BOOTSTRAP",
    }
    assert (record.address, record.action, record.revision) == (None, "tenant.put", made.revision)


async def test_what_stands_is_written_no_second_time(store: Store, control: Control) -> None:
    await live(store, 1)
    made = await make(control)
    raw = await cast("Any", store.redis.hgetall(keys.table(keys.TENANTS)))
    kept = await keep(control)
    assert (kept.revision, kept.durable) == (made.revision, made.durable)
    assert await cast("Any", store.redis.hgetall(keys.table(keys.TENANTS))) == raw
    assert (await store.revision(), await records(store)) == (made.revision, 1)


async def test_what_stands_is_waited_for_until_every_replica_has_it(store: Store, control: Control) -> None:
    await live(store, 1)
    made = await make(control)
    await live(store, made.revision - 1)
    asking = asyncio.create_task(keep(control))
    done, _ = await asyncio.wait([asking], timeout=0.2)
    assert not done
    await live(store, made.revision)
    kept = await asking
    assert kept.headers() == {"x-revision": str(made.revision), "x-replicas": "1", "x-acknowledged": "1"}


async def test_what_stands_and_is_not_applied_in_time_is_said_to_be_so(store: Store, control: Control) -> None:
    await live(store, 1)
    made = await make(control)

    async def silent_no_longer() -> None:
        while True:
            await live(store, made.revision - 1)
            await asyncio.sleep(0.2)

    await live(store, made.revision - 1)
    beating = asyncio.create_task(silent_no_longer())
    try:
        kept = await keep(control)
    finally:
        beating.cancel()
    assert kept.headers() == {"x-revision": str(made.revision), "x-replicas": "1", "x-acknowledged": "0"}


async def test_what_stood_when_it_was_looked_at_and_stands_no_longer_is_planned_anew(
    store: Store, control: Control
) -> None:
    await live(store, 10)
    await make(control)
    seen: list[int] = []

    async def plan() -> Plan[str]:
        tenant, row = await control.tenant("acme")
        seen.append(row.revision)
        if len(seen) == 1:  # somebody else is faster
            await store.commit([tenant_write(row, msgspec.structs.replace(tenant, rule="off"))])
        return Plan([tenant_kept("acme", row)], tenant.rule)

    kept = await control.change(BOOTSTRAP, "tenant.put", "acme", plan)
    assert (kept.result, kept.revision, seen) == ("off", seen[1], [1, 2])
