"""How much of the change log is kept: enough for who was away a while, and no more than fits."""

from typing import Any, cast

from gateway.store import keys
from gateway.store.connection import Store, Write


async def change(store: Store, tenant: str, size: int) -> None:
    """A change of a row of so many bytes."""
    row = await store.row(keys.TENANTS, tenant)
    await store.commit([Write(keys.TENANTS, tenant, row, b'"%s"' % (b"x" * size))])


async def length(store: Store) -> int:
    """How many changes are kept."""
    return int(await cast("Any", store.redis.xlen(keys.CHANGES)))


async def test_small_changes_are_kept_by_the_thousand(store: Store) -> None:
    for _ in range(1000):
        await change(store, "small", 100)
    assert await length(store) == 1000


async def test_large_changes_are_kept_by_the_hundred(store: Store) -> None:
    """Sixty-four providers with large keys make a row of 700 KB, which every change of the tenant writes anew."""
    for _ in range(120):
        await change(store, "large", 700_000)
    assert 100 <= await length(store) <= 101
