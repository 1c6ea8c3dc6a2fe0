"""What providers tell of the ends of their models: asked once a day for each account, and kept.

How a provider is asked is handed in; what follows from an answer is in `retirement.py`.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import structlog
from msgspec import Struct

from finetune import retirement
from finetune.retirement import Dates
from gateway.store import keys
from gateway.store.connection import Store, translated
from gateway.store.rows import ProviderRow, TenantRow, tenant_row

log = structlog.get_logger(__name__)

_ASK_AGAIN = 20 * 3600.0  # a round comes every day, a little earlier or later
_CLAIM_SECONDS = 120  # longer than a provider is waited for
_PAUSE_SECONDS = 1.0


class NotTold(Exception):
    """The provider could not be asked, or said nothing that can be read."""


class Provider(Struct, frozen=True):
    """How a tenant's provider is asked.

    `models` gives all its models, each with its end or None; raises NotTold. `account` tells one account from another,
    in memory only; None where a provider lists no models.
    """

    models: Callable[[TenantRow, str], Awaitable[dict[str, str | None]]]
    account: Callable[[TenantRow, str], str | None]


class Told(Struct, frozen=True):
    """What a provider told: model → its end. `asked` in seconds since the epoch; `of` says which provider it was."""

    asked: float
    of: str
    models: dict[str, str]


class Accounts(Struct, frozen=True):
    """The accounts that a round has met. `fields`: where what each told is kept; `turns`: one ask of each at a time."""

    fields: dict[str, str] = {}
    turns: dict[str, asyncio.Lock] = {}


class ToldModels:
    """`pause` is the most seconds that are waited before a provider is asked, so that not all are at once."""

    def __init__(
        self,
        store: Store,
        provider: Provider,
        clock: Callable[[], float] = time.time,
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._provider = provider
        self._clock = clock
        self._pause = pause

    async def dates(self, tenant: TenantRow, name: str) -> Dates:
        """What is known of a provider's models now: it is asked, and where it does not answer, what it told last holds.

        Raises StoreUnavailable.
        """
        told = await self._read(tenant, name)
        if name in tenant.providers and self._provider.account(tenant, name) is not None:
            told = await self._asked(tenant, name, told) or told
        return retirement.of(told.models)

    async def known(self, tenant: TenantRow, name: str) -> Dates:
        """What a provider told last; nobody is asked. Raises StoreUnavailable."""
        return retirement.of((await self._read(tenant, name)).models)

    async def daily(self, accounts: Accounts, tenant: TenantRow, name: str) -> Dates:
        """What a provider told today; it is asked if nobody has yet. Raises StoreUnavailable."""
        told = await self._read(tenant, name)
        account = self._provider.account(tenant, name)
        if account is None or self._clock() - told.asked < _ASK_AGAIN:
            return retirement.of(told.models)
        async with accounts.turns.setdefault(account, asyncio.Lock()):
            other = await self._at(accounts.fields.get(account))
            if other is not None:  # another tenant's provider is the same account
                told = await self._keep(tenant, name, other.models)
            elif await self._claimed(tenant, name):
                told = await self._turn(accounts, tenant, name, account)
        return retirement.of(told.models)

    async def tidy(self) -> None:
        """Forgets what was told by providers that are gone. Raises StoreUnavailable."""
        with translated():
            async for raw, _ in self._store.redis.hscan_iter(keys.TOLD, count=500):
                tenant, _, name = raw.decode().partition("/")
                row = await self._store.row(keys.TENANTS, tenant)
                if row is None or name not in tenant_row(row).providers:
                    await cast("Any", self._store.redis.hdel(keys.TOLD, raw))

    async def _turn(self, accounts: Accounts, tenant: TenantRow, name: str, account: str) -> Told:
        """Asks for the day, with the claim held; another worker may have asked just before."""
        told = await self._read(tenant, name)
        if self._clock() - told.asked >= _ASK_AGAIN:
            await asyncio.sleep(random.uniform(0, self._pause))  # noqa: S311 - jitter, not a secret
            answer = await self._asked(tenant, name, told)
            if answer is None:
                return told  # the claim is left, so that no other worker tries at once
            told = answer
        accounts.fields[account] = _field(tenant, name)
        with translated():
            await cast("Any", self._store.redis.delete(keys.asking(_field(tenant, name))))
        return told

    async def _asked(self, tenant: TenantRow, name: str, before: Told) -> Told | None:
        """Asks, and keeps the answer; None where there was none."""
        try:
            listed = await self._provider.models(tenant, name)
        except NotTold as error:
            log.warning("provider_told_no_models", tenant=tenant.tenant, provider=name, cause=str(error))
            return None
        return await self._keep(tenant, name, retirement.merged(before.models, listed))

    async def _keep(self, tenant: TenantRow, name: str, models: dict[str, str]) -> Told:
        told = Told(self._clock(), _which(tenant.providers[name]), models)
        with translated():
            await cast("Any", self._store.redis.hset(keys.TOLD, _field(tenant, name), msgspec.json.encode(told)))
        return told

    async def _read(self, tenant: TenantRow, name: str) -> Told:
        """What was told by the tenant's provider; nothing, where that was by another one of its name."""
        told = await self._at(_field(tenant, name))
        provider = tenant.providers.get(name)
        return told if told is not None and provider and told.of == _which(provider) else Told(0.0, "", {})

    async def _at(self, field: str | None) -> Told | None:
        if field is None:
            return None
        with translated():
            raw = await cast("Any", self._store.redis.hget(keys.TOLD, field))
        return msgspec.json.decode(raw, type=Told) if raw is not None else None

    async def _claimed(self, tenant: TenantRow, name: str) -> bool:
        """Whether it is this worker that asks; the claim ends by itself, should it be killed over it."""
        key = keys.asking(_field(tenant, name))
        with translated():
            return bool(await cast("Any", self._store.redis.set(key, "1", nx=True, ex=_CLAIM_SECONDS)))


def _field(tenant: TenantRow, name: str) -> str:
    return f"{tenant.tenant}/{name}"


def _which(provider: ProviderRow) -> str:
    """Tells a provider from what may stand under its name later. The credential is in it as it is sealed."""
    text = "\0".join((provider.kind, provider.base_url, provider.sealed_api_key or ""))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
