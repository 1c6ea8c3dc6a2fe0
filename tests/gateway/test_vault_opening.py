"""Opening Vaults: secrets unsealed, hosts guarded, the proxy named."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from finetune.vaults import Source, VaultNotAllowed, VaultUnreadable, count
from gateway.secrets import Keyring
from gateway.store.rows import TenantRow, VaultRow
from gateway.upstream.addresses import Guard
from gateway.upstream.proxy import parse_proxy
from gateway.vault_opening import VaultOpener, reach
from tests.support.vaults import write_vault

NOW = "2026-11-22T12:00:00.000Z"
KEYRING = Keyring((b"k" * 32,))
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def tenant(name: str, vault: VaultRow | None) -> TenantRow:
    """A tenant with this Vault."""
    return TenantRow(name, NOW, NOW, vault=vault)


def opener(*roots: str) -> VaultOpener:
    """One for these roots."""
    return VaultOpener(KEYRING, Guard(), None, roots)


def test_a_tenants_vault_is_opened_under_its_own_root(tmp_path: Path) -> None:
    for name in ("acme", "other"):
        write_vault(tmp_path / name / "a.jsonl", 12)
    opened = opener(f"{tmp_path.as_uri()}/{{tenant}}/")
    row = VaultRow((tmp_path / "acme" / "a.jsonl").as_uri(), 12, 0)
    assert count(opened.open(tenant("acme", row))).ready_chunks == 12
    with pytest.raises(VaultNotAllowed):
        opened.open(tenant("other", row))
    with pytest.raises(VaultUnreadable, match="the tenant has none"):
        opened.open(tenant("acme", None))


def test_secrets_are_bound_to_the_tenant_and_their_name() -> None:
    opened = opener()
    sealed = opened.sealed("acme", {"token": "t-1", "password": "p-1"}, {})
    assert opened.sealed("acme", {"token": "t-1", "password": "p-2"}, sealed)["token"] == sealed["token"]
    row = VaultRow("https://vault.example/a", 1, 0, {}, sealed)
    source = opened.source("acme", row)
    assert source == Source("https://vault.example/a", secrets={"token": "t-1", "password": "p-1"})
    assert "t-1" not in repr(source) + repr(source.secrets)
    for name, moved in (("other", sealed), ("acme", {"token": sealed["password"]})):
        with pytest.raises(VaultUnreadable, match="cannot be opened"):
            opened.source(name, VaultRow("https://vault.example/a", 1, 0, {}, moved))


def test_options_of_another_version_are_told() -> None:
    row = VaultRow("https://vault.example/a", 1, 0, {"colour": "red"})
    with pytest.raises(VaultUnreadable, match="another version's"):
        opener("https://vault.example/").open(tenant("acme", row))


async def test_names_and_addresses_are_judged() -> None:
    async def lookup(host: str, port: int) -> list[tuple[int, Any]]:
        return [(2, ("1.1.1.1", port)), (2, ("10.0.0.1", port))] if host == "half" else [(2, ("1.1.1.1", port))]

    made = reach(Guard((LOOPBACK,), lookup), None)
    assert await made.resolve("whole", 443) == [(2, ("1.1.1.1", 443))]
    with pytest.raises(VaultNotAllowed, match=r"10\.0\.0\.1"):
        await made.resolve("half", 443)
    for refused in ("169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"):
        with pytest.raises(VaultNotAllowed):
            made.judge(refused)
    made.judge("127.0.0.1")


def test_the_proxy_is_for_what_it_is_for() -> None:
    proxies = parse_proxy("http://me:p%40w@proxy.internal:3128", "vault.internal")
    made = reach(Guard(), proxies)
    found = made.proxy("https", "s3.eu-west-1.amazonaws.com", 443)
    assert found == "http://me:p%40w@proxy.internal:3128"
    assert "p%40w" not in repr(found)
    assert made.proxy("https", "vault.internal", 443) is None
    assert made.proxy("http", "s3.eu-west-1.amazonaws.com", 80) is None
    assert reach(Guard(), None).proxy("https", "vault.internal", 443) is None
