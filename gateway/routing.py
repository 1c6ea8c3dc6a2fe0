"""The routes in memory: every tenant's routing and every key, compiled once per change, read on every call.

Immutable values in a few dictionaries; lookups only. What brings the rows is in `following.py`.
"""

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from gateway import timestamps
from gateway.secrets import CannotOpen, Keyring, fingerprint
from gateway.store import keys
from gateway.store.rows import KeyRow, ProviderRow, Row, TenantRow, key_row, tenant_row
from gateway.translating import credential_header
from gateway.upstream.addresses import InvalidUrl, Origin, parse_base_url
from gateway.wire import kinds
from policies import substitution
from policies.values import Caller, FineTune, Provider, Role, Route

log = structlog.get_logger(__name__)


class Upstream(Struct, frozen=True):
    """Where a provider's calls go. `headers` hold its credential; `path` has no trailing slash.

    `origin` is None for a provider whose address follows from its options; `options` are the provider's own.
    """

    kind: str
    origin: Origin | None
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    options: dict[str, Any] = {}

    @property
    def stream_usage(self) -> bool:
        """Whether it takes `stream_options`."""
        return self.options.get("stream_usage") is not False

    @property
    def translated(self) -> bool:
        """Whether its calls go by way of the translator."""
        return kinds.is_translated(self.kind)

    def __repr__(self) -> str:
        return f"Upstream({self.kind}, {self.origin.host if self.origin else None})"  # never the credential


class TenantRoutes(Struct, frozen=True):
    """A tenant as the data plane knows it."""

    route: Route
    suspended: bool
    upstreams: dict[str, Upstream]
    allowed_paths: tuple[str, ...] = ()


class _Key(Struct, frozen=True):
    revision: int
    caller: Caller
    expires: float


class Routes:
    """All routes. `apply` takes one row; a row older than the one that is held changes nothing."""

    def __init__(self, keyring: Keyring, admin_key: str | None, clock: Callable[[], float]) -> None:
        self.revision = 0
        self.version = 0  # of what is held here: another after every change
        self.owners: dict[tuple[str, str], frozenset[str]] = {}
        self._keyring = keyring
        self._clock = clock
        self._tenants: dict[str, TenantRoutes] = {}
        self._keys: dict[str, _Key] = {}
        self._hashes: dict[str, str] = {}  # key id → its hash
        self._owned: dict[str, frozenset[tuple[str, str]]] = {}  # tenant → its entries in `owners`
        self._admin = fingerprint(admin_key) if admin_key else None

    def tenant(self, name: str) -> TenantRoutes | None:
        """The tenant's routes; None where there is no such tenant."""
        return self._tenants.get(name)

    def caller(self, key: str) -> Caller | None:
        """Who holds `key`; None where it is unknown, revoked or expired."""
        digest = fingerprint(key)
        if digest == self._admin:
            return Caller("key_bootstrap", Role.PLATFORM_ADMIN, None, "HOUSESTYLE_ADMIN_KEY")
        known = self._keys.get(digest)
        if known is None or known.expires <= self._clock():
            return None
        if known.caller.tenant is not None and known.caller.tenant not in self._tenants:
            return None  # a deleted tenant's keys stop with it
        return known.caller

    def is_foreign(self, tenant: str, provider: str, model: str) -> bool:
        """Whether `model` at the tenant's `provider` is a fine-tune that is not known as this tenant's."""
        routes = self._tenants.get(tenant)
        known = routes.route.providers.get(provider) if routes else None
        return bool(routes and known and substitution.is_foreign(model, known, routes.route, self.owners))

    def apply(self, table: str, field: str, row: Row | None, revision: int) -> None:
        """Takes a row, or its deletion (None), as of `revision`.

        A row that cannot be read (a newer version wrote it) is as good as deleted: nobody is let in by it.
        """
        apply = {keys.TENANTS: self._apply_tenant, keys.KEYS: self._apply_key}.get(table)
        if apply is None:
            return
        self.version += 1
        try:
            apply(field, row, revision)
        except (msgspec.MsgspecError, ValueError) as error:
            log.error("row_cannot_be_read", table=table, field=field, revision=revision, cause=str(error))
            apply(field, None, revision)

    def become(self, other: "Routes") -> None:
        """Takes over everything that `other` holds: a reload replaces, it does not merge."""
        self.version += 1
        self.revision = other.revision
        self.owners, self._owned = other.owners, other._owned
        self._tenants, self._keys, self._hashes = other._tenants, other._keys, other._hashes

    def empty_copy(self) -> "Routes":
        """An empty one with the same keyring, to load into."""
        copy = Routes(self._keyring, None, self._clock)
        copy._admin = self._admin
        return copy

    def _apply_tenant(self, name: str, row: Row | None, revision: int) -> None:
        known = self._tenants.get(name)
        if known is not None and known.route.revision >= revision:
            return
        tenant = tenant_row(row) if row is not None else None
        routes = compile_tenant(tenant, revision, self._keyring) if tenant and not tenant.deleted else None
        self._disown(name)
        if tenant is not None:
            self._own(name, _owned(tenant, self._keyring))  # a deleted one's models are still nobody else's
        if routes is None:
            self._tenants.pop(name, None)
        else:
            self._tenants[name] = routes

    def _own(self, name: str, places: frozenset[tuple[str, str]]) -> None:
        if places:
            self._owned[name] = places
        for place in places:
            self.owners[place] = self.owners.get(place, frozenset()) | {name}

    def _disown(self, name: str) -> None:
        for place in self._owned.pop(name, ()):
            left = self.owners[place] - {name}
            if left:
                self.owners[place] = left
            else:
                del self.owners[place]

    def _apply_key(self, key_id: str, row: Row | None, revision: int) -> None:
        digest = self._hashes.get(key_id)
        if digest is not None and self._keys[digest].revision >= revision:
            return
        key = key_row(row) if row is not None else None
        compiled = _compile_key(key, revision) if key is not None else None
        if digest is not None:
            del self._hashes[key_id], self._keys[digest]
        if key is not None and compiled is not None:
            self._hashes[key_id] = key.sha256
            self._keys[key.sha256] = compiled


def compile_tenant(row: TenantRow, revision: int, keyring: Keyring) -> TenantRoutes:
    """A tenant's row as routes. A provider whose credential cannot be opened is left out, and logged."""
    upstreams: dict[str, Upstream] = {}
    providers: dict[str, Provider] = {}
    for name, provider in row.providers.items():
        try:
            secret = open_api_key(row.tenant, name, provider, keyring)
            origin, path = parse_base_url(provider.base_url) if provider.base_url else (None, "")
        except (CannotOpen, InvalidUrl) as error:
            log.error("provider_unusable", tenant=row.tenant, provider=name, cause=str(error))
            continue
        headers: tuple[tuple[bytes, bytes], ...]
        if kinds.is_translated(provider.kind):
            # litellm's models are named after their provider, and a key is for one provider only.
            options = {"provider": provider.default_model.partition("/")[0], **provider.options}
            headers = (credential_header(provider.kind, provider.base_url, secret, options),)
        else:
            headers = kinds.credential(provider.kind, secret)
        upstreams[name] = Upstream(provider.kind, origin, path, headers, provider.options)
        providers[name] = Provider(name, provider.default_model, account_of(provider, secret))
    fine_tunes = {
        made.model: FineTune(job_id, made.provider, made.model, made.base_model)
        for job_id, made in row.fine_tunes.items()
    }
    active = row.active
    made = row.fine_tunes.get(active.job_id) if active else None
    route = Route(
        tenant=row.tenant,
        revision=revision,
        rule=row.rule,
        fallback=row.fallback,
        providers=providers,
        default_provider=row.default_provider,
        fine_tunes=fine_tunes,
        active=FineTune(active.job_id, made.provider, made.model, made.base_model) if active and made else None,
        share=active.share if active else 1.0,
    )
    return TenantRoutes(route, row.suspended, upstreams, row.allowed_paths)


def _owned(row: TenantRow, keyring: Keyring) -> frozenset[tuple[str, str]]:
    """(provider account, model) of each of a tenant's fine-tunes: the account that it was made in, and the one that
    its provider leads to now."""
    places: set[tuple[str, str]] = set()
    for made in row.fine_tunes.values():
        provider = row.providers.get(made.provider)
        with contextlib.suppress(CannotOpen, InvalidUrl):
            if provider is not None:
                secret = open_api_key(row.tenant, made.provider, provider, keyring)
                places.add((account_of(provider, secret), substitution.known_as(made.model)))
        with contextlib.suppress(CannotOpen):
            if made.sealed_account is not None:
                places.add(
                    (
                        keyring.open(made.sealed_account, tenant=row.tenant, field="account"),
                        substitution.known_as(made.model),
                    )
                )
    return frozenset(places)


def open_api_key(tenant: str, name: str, provider: ProviderRow, keyring: Keyring) -> str | None:
    """The provider's credential. Raises CannotOpen."""
    if provider.sealed_api_key is None:
        return None
    return keyring.open(provider.sealed_api_key, tenant=tenant, field=f"providers/{name}/api_key")


def account_of(provider: ProviderRow, secret: str | None) -> str:
    """What tells one account at one provider from another, however its URL is spelt. Kept in memory only."""
    place = ""
    if provider.base_url:
        origin, path = parse_base_url(provider.base_url)
        place = f"{origin.scheme}://{origin.authority.decode().lower()}{path}"
    text = f"{provider.kind if not place else ''}\0{place}\0{secret or ''}"
    return hashlib.sha256(text.encode()).hexdigest()


def _compile_key(key: KeyRow, revision: int) -> _Key:
    expires = timestamps.to_seconds(key.expires_at) if key.expires_at else float("inf")
    return _Key(revision, Caller(key.id, Role(key.role), key.tenant, key.label), expires)
