"""Opening a tenant's Vault: its secrets unsealed, its hosts behind the address guard and the proxy, its URL under the
operator's roots. The admin API, the bootstrap file and the job worker open Vaults in this one way.

How each kind of Vault is read is the job manager's (finetune/vaults/).
"""

import base64
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec

from finetune.vaults import (
    Options,
    Reach,
    Source,
    Vault,
    VaultNotAllowed,
    VaultUnreadable,
    check_allowed,
    open_vault,
    roots_of,
)
from gateway.masked import Secret
from gateway.secrets import CannotOpen, Keyring
from gateway.store.rows import TenantRow, VaultRow
from gateway.upstream import guarded_http
from gateway.upstream.addresses import AddressNotAllowed, Guard, Origin
from gateway.upstream.proxy import Proxies, Proxy


class VaultOpener:
    """Opens Vaults. `roots` are the URL prefixes that one may lie under."""

    def __init__(self, keyring: Keyring, guard: Guard, proxies: Proxies | None, roots: tuple[str, ...]) -> None:
        self.keyring = keyring
        self._roots = roots
        self._reach = reach(guard, proxies)

    def open(self, tenant: TenantRow) -> Vault:
        """The tenant's Vault, of which nothing is read yet. Raises VaultNotAllowed, VaultUnreadable."""
        if tenant.vault is None:
            raise VaultUnreadable("the tenant has none", place="the Vault")
        return self.open_source(tenant.tenant, self.source(tenant.tenant, tenant.vault))

    def open_source(self, tenant: str, source: Source, stopped: Callable[[], bool] = lambda: False) -> Vault:
        """A Vault that is not the tenant's yet; see `open_vault`. Raises VaultNotAllowed, VaultUnreadable."""
        return open_vault(source, roots_of(self._roots, tenant), self._reach, stopped)

    def check(self, tenant: str, url: str) -> None:
        """Raises VaultNotAllowed where the URL lies under none of the roots, as far as its text says."""
        check_allowed(url, roots_of(self._roots, tenant))

    def source(self, tenant: str, row: VaultRow) -> Source:
        """A row's Vault with its secrets. Raises VaultUnreadable."""
        try:
            secrets: dict[str, str] = {name: self.opened(tenant, name, sealed) for name, sealed in row.sealed.items()}
            return Source(row.url, msgspec.convert(row.options, Options), secrets)
        except CannotOpen as error:
            raise VaultUnreadable(f"its secrets cannot be opened: {error}", place="the Vault") from None
        except msgspec.ValidationError as error:
            raise VaultUnreadable(f"its options are another version's: {error}", place="the Vault") from None

    def sealed(self, tenant: str, secrets: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
        """The secrets sealed; as they are already where they are the same, which sealed anew would look like others."""
        found: dict[str, str] = {}
        for name, secret in secrets.items():
            known = before.get(name)
            same = known is not None and self._seals(tenant, name, known, secret)
            found[name] = known if same and known else self.keyring.seal(secret, tenant=tenant, field=_field(name))
        return found

    def opened(self, tenant: str, name: str, sealed: str) -> Secret:
        """One of a Vault's secrets. Raises CannotOpen."""
        return self.keyring.open(sealed, tenant=tenant, field=_field(name))

    def _seals(self, tenant: str, name: str, sealed: str, secret: str) -> bool:
        try:
            return self.opened(tenant, name, sealed) == secret
        except CannotOpen:
            return False


def reach(guard: Guard, proxies: Proxies | None) -> Reach:
    """How Vaults reach other hosts."""

    async def resolve(host: str, port: int) -> list[tuple[int, Any]]:
        try:
            return await guard.resolve(host, port)
        except AddressNotAllowed as refused:
            raise _not_allowed(refused) from None

    def judge(address: str) -> None:
        try:
            guard.check(address, ipaddress.ip_address(address.partition("%")[0]))
        except AddressNotAllowed as refused:
            raise _not_allowed(refused) from None

    def http() -> httpx2.AsyncClient:
        return guarded_http.client(guard, proxies)

    def proxy(scheme: str, host: str, port: int) -> str | None:
        found = proxies.of(Origin(scheme, host, port)) if proxies is not None else None
        return _url(found) if found is not None else None

    return Reach(resolve, judge, http, proxy)


def _not_allowed(refused: AddressNotAllowed) -> VaultNotAllowed:
    return VaultNotAllowed(f"{refused}; a platform operator can allow it in HOUSESTYLE_UPSTREAM_ALLOW.")


def _url(proxy: Proxy) -> Secret:
    """A proxy as the libraries of Vaults take it: with its user and password in the URL."""
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    user, _, password = base64.b64decode(proxy.authorization.removeprefix(b"Basic ")).partition(b":")
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}@" if proxy.authorization else ""
    return Secret(f"http://{credentials}{host}:{proxy.port}")


def _field(name: str) -> str:
    """What a sealed secret is bound to, besides the tenant."""
    return f"vault/{name}"
