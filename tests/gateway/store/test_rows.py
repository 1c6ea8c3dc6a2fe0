"""Rows as they stand in Redis: what is damaged is a row all the same, and fails where it is read."""

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rotation import rotate
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Store
from gateway.store.rows import Row, key_row, parse_row, tenant_row
from tests.gateway.test_following import applied, following, new_routes, put_key, put_tenant

DAMAGED = [b"{}", b'{"deleted":true,"fine_tunes":{}}', b'2 {"ten', b'2 {"tenant":"\xff","fine_tunes":{}}']


def test_a_row_is_its_revision_and_its_json() -> None:
    assert parse_row(b'12 {"a": 1}') == Row(b'12 {"a": 1}', 12, b'{"a": 1}')


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"a": 1}', b"x {}", b" {}", b"-1 {}", b"1.5 {}", b"9" * 5000 + b" {}"])
def test_one_without_its_revision_is_of_none_and_has_no_body(raw: bytes) -> None:
    assert parse_row(raw) == Row(raw, 0, b"")


@given(raw=st.binary(max_size=40) | st.binary(max_size=40).map(b'7 {"tenant":"%b"}'.__mod__))
def test_whatever_stands_there_fails_in_one_way(raw: bytes) -> None:
    row = parse_row(raw)
    assert row.raw == raw
    for read in (tenant_row, key_row):
        with pytest.raises(msgspec.MsgspecError):
            read(row)


def test_text_that_is_not_utf_8_fails_in_the_same_way() -> None:
    row = parse_row(b'7 {"tenant":"\xff","created_at":"","updated_at":""}')
    with pytest.raises(msgspec.MsgspecError):
        tenant_row(row)


@pytest.mark.parametrize("raw", DAMAGED)
async def test_a_replica_loads_all_other_rows_and_takes_one_that_is_mended(store: Store, raw: bytes) -> None:
    await put_tenant(store, "acme")
    await put_tenant(store, "smith")
    await put_key(store, "hs_one")
    await put_key(store, "hs_two")
    for table, field in ((keys.TENANTS, "smith"), (keys.KEYS, "hs_two")):
        await cast("Any", store.redis.hset(keys.table(table), field, raw))
    routes = new_routes()
    async with following(store, routes):
        assert routes.tenant("acme") is not None
        assert routes.caller("hs_one") is not None
        assert routes.tenant("smith") is None
        assert routes.caller("hs_two") is None
        await applied(routes, await put_tenant(store, "smith"))
        assert routes.tenant("smith") is not None


@pytest.mark.parametrize("raw", DAMAGED)
async def test_rotating_keys_names_it_and_goes_on(store: Store, raw: bytes) -> None:
    await put_tenant(store, "acme")
    await cast("Any", store.redis.hset(keys.table(keys.TENANTS), "smith", raw))
    done = await rotate(store, Keyring((b"k" * 32,)), lambda _: None)
    assert done.tenants == 2
    assert [tenant for tenant, _ in done.closed] == ["smith"]
