"""What a tenant's row becomes on a replica: its route, where its providers' calls go, whose models are whose.

Rows in, immutable values out. What holds them is in `routing.py`.
"""

import contextlib
import hashlib
from functools import lru_cache
from typing import Any

import structlog
from msgspec import Struct

from gateway.provider_keys import open_api_key
from gateway.secrets import CannotOpen, Keyring
from gateway.store.rows import ProviderRow, TenantRow
from gateway.translating import credential_header
from gateway.upstream.addresses import InvalidUrl, Origin, parse_base_url
from gateway.wire import kinds
from policies import substitution
from policies.values import FineTune, Provider, Route

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
        model: FineTune(job_id, made.provider, model, made.base_model, is_checkpoint=model != made.model)
        for job_id, made in row.fine_tunes.items()
        for model in (*made.checkpoints.values(), made.model)
    }
    active, model = row.active, row.active_model
    made = row.fine_tunes.get(active.job_id) if active else None
    route = Route(
        tenant=row.tenant,
        revision=revision,
        rule=row.rule,
        fallback=row.fallback,
        providers=providers,
        default_provider=row.default_provider,
        fine_tunes=fine_tunes,
        active=FineTune(active.job_id, made.provider, model, made.base_model) if active and made and model else None,
        share=active.share if active else 1.0,
    )
    return TenantRoutes(route, row.suspended, upstreams, row.allowed_paths)


def owned_places(row: TenantRow, keyring: Keyring) -> frozenset[tuple[str, str]]:
    """(provider account, model) of each of a tenant's fine-tunes: the account that it was made in, and the one that
    its provider leads to now."""
    places: set[tuple[str, str]] = set()
    for made in row.fine_tunes.values():
        models = {substitution.known_as(model) for model in (made.model, *made.checkpoints.values())}
        provider = row.providers.get(made.provider)
        with contextlib.suppress(CannotOpen, InvalidUrl):
            if provider is not None:
                account = account_of(provider, open_api_key(row.tenant, made.provider, provider, keyring))
                places |= {(account, model) for model in models}
        with contextlib.suppress(CannotOpen):
            if made.sealed_account is not None:
                account = keyring.open(made.sealed_account, tenant=row.tenant, field="account")
                places |= {(account, model) for model in models}
    return frozenset(places)


def account_of(provider: ProviderRow, secret: str | None) -> str:
    """What tells one account at one provider from another, however its URL is spelt. Kept in memory only."""
    place = _place(provider.base_url) if provider.base_url else ""
    text = f"{provider.kind if not place else ''}\0{place}\0{secret or ''}"
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(4096)  # most tenants' providers are at a few addresses
def _place(base_url: str) -> str:
    origin, path = parse_base_url(base_url)
    return f"{origin.scheme}://{origin.authority.decode().lower()}{path}"
