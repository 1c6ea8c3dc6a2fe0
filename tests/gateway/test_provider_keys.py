"""A provider's API key is bound to whom it is sent to: a table, and a real gateway whose row somebody wrote over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from msgspec.structs import replace

from gateway.datadir import kept_encryption_keys
from gateway.provider_keys import is_current, open_api_key, seal_api_key
from gateway.secrets import CannotOpen, Keyring
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.embedded import running_url
from gateway.store.rows import ProviderRow, TenantRow, tenant_row
from tests.support.admin import NO_TLS
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until
from tests.support.upstream import echo_model, upstream

RING = Keyring((b"k" * 32,))
OPENAI = ProviderRow("openai", "https://api.openai.com/v1", "gpt-4.1-mini")
LITELLM = ProviderRow("litellm", "", "groq/llama-3.3-70b", options={"region": "eu"})
BEDROCK = ProviderRow("bedrock", "", "anthropic.claude", options={"region": "eu-west-1", "access_key_id": "AK"})


def sealed(row: ProviderRow) -> ProviderRow:
    return replace(row, sealed_api_key=seal_api_key("sk-1", "acme", "main", row, RING))


@pytest.mark.parametrize(
    ("row", "changed", "opens"),
    [
        (OPENAI, {}, True),
        (OPENAI, {"default_model": "gpt-4o"}, True),
        (OPENAI, {"api_key_hint": "…"}, True),
        (OPENAI, {"options": {"stream_usage": False}}, True),
        (OPENAI, {"base_url": "https://elsewhere.example/v1"}, False),
        (OPENAI, {"base_url": "http://api.openai.com/v1"}, False),
        (OPENAI, {"kind": "openai_compatible"}, False),
        (OPENAI, {"kind": "of a newer version"}, False),
        (OPENAI, {"kind": "litellm", "base_url": "", "options": {"provider": "openai"}}, False),
        (LITELLM, {"default_model": "groq/other"}, True),
        (LITELLM, {"default_model": "elsewhere/llama"}, False),
        (LITELLM, {"options": {"region": "eu", "provider": "elsewhere"}}, False),
        (BEDROCK, {"options": {"region": "us-east-1", "access_key_id": "AK"}}, False),
        (BEDROCK, {"default_model": "other"}, True),
    ],
)
def test_it_opens_beside_what_leads_to_the_same_place_alone(
    row: ProviderRow, changed: dict[str, Any], opens: bool
) -> None:
    other = replace(sealed(row), **changed)
    assert is_current(other)
    if opens:
        assert open_api_key("acme", "main", other, RING) == "sk-1"
    else:
        with pytest.raises(CannotOpen):
            open_api_key("acme", "main", other, RING)


def test_what_an_older_version_sealed_opens_and_is_not_current() -> None:
    old = replace(OPENAI, sealed_api_key=RING.seal("sk-1", tenant="acme", field="providers/main/api_key"))
    assert open_api_key("acme", "main", old, RING) == "sk-1"
    assert not is_current(old)
    assert is_current(OPENAI), "without a key there is none to bind"
    assert open_api_key("acme", "main", OPENAI, RING) is None


@pytest.fixture
async def store(gateway: Program, data_dir: Path) -> AsyncIterator[Store]:
    """The gateway's own Redis, in the hands of somebody who has no encryption key."""
    url = running_url(data_dir)
    assert url is not None
    store = Store(url)
    yield store
    await store.close()


async def change(store: Store, firm: Firm, changed: Callable[[ProviderRow], ProviderRow]) -> None:
    """Writes over the firm's provider, and waits until the gateway follows it."""
    row = await store.row(keys.TENANTS, firm.name)
    assert row is not None
    tenant: TenantRow = tenant_row(row)
    after = replace(tenant, providers={"main": changed(tenant.providers["main"])})
    await store.commit([Write(keys.TENANTS, firm.name, row, msgspec.json.encode(after))])
    revision = await store.revision()
    ready = f"{firm.gateway}/readyz"
    wait_until(lambda: httpx2.get(ready, verify=NO_TLS).json()["revision"] >= revision, 10, "the change")


async def test_who_writes_to_the_store_cannot_lead_a_key_elsewhere(store: Store, firm: Firm) -> None:
    async with upstream(echo_model) as elsewhere:
        assert (await asyncio.to_thread(firm.say)).status_code == 200
        before = await store.row(keys.TENANTS, firm.name)
        assert before is not None
        own = tenant_row(before).providers["main"]
        await change(store, firm, lambda row: replace(row, base_url=f"{elsewhere.url}/v1"))
        refused = await asyncio.to_thread(firm.say)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "provider_not_configured")
        assert elsewhere.requests == []
        await change(store, firm, lambda row: replace(row, base_url=own.base_url))
        assert (await asyncio.to_thread(firm.say)).status_code == 200


async def test_a_key_of_the_old_form_serves_and_is_bound_when_it_is_put_again(
    store: Store, firm: Firm, data_dir: Path
) -> None:
    ring = Keyring(kept_encryption_keys(data_dir))
    old = ring.seal(firm.account.key, tenant=firm.name, field="providers/main/api_key")
    await change(store, firm, lambda row: replace(row, sealed_api_key=old))
    assert (await asyncio.to_thread(firm.say)).status_code == 200
    await asyncio.to_thread(firm.admin.put, f"{firm.path}/providers/main", firm.provider)
    row = await store.row(keys.TENANTS, firm.name)
    assert row is not None
    main = tenant_row(row).providers["main"]
    assert is_current(main)
    assert open_api_key(firm.name, "main", main, ring) == firm.account.key
    revision = await store.revision()
    await asyncio.to_thread(firm.admin.put, f"{firm.path}/providers/main", firm.provider)
    assert await store.revision() == revision, "what is bound is not sealed again"
