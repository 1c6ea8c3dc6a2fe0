"""The job worker's composition root: what the job manager needs of the gateway is built here and handed to it.

Imported by the worker's process alone: docket costs memory and time that a gateway need not pay. The provider's SDK and
what builds data sets, a second of a core and 40 MB, come with the first job: most gateways' workers never have one.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import httpx2
import structlog

from finetune import retention, told_models, worker
from finetune.backends import unsupported
from finetune.backends.base import Access, Backend, Refused
from finetune.cost import TeacherPrice
from finetune.dataset.outcomes import Ask
from finetune.manager import Manager
from finetune.retiring import Retiring
from finetune.ticking import Tools
from finetune.told_models import ToldModels
from gateway import price_lists
from gateway.admin.provider_models import ProviderModels
from gateway.compiling import account_of
from gateway.prices import Asked, Prices
from gateway.provider_keys import open_api_key
from gateway.secrets import CannotOpen, Keyring
from gateway.settings import Settings
from gateway.store.connection import Store
from gateway.store.rows import TenantRow
from gateway.threads import EndingThreads
from gateway.upstream import guarded_http
from gateway.upstream.addresses import Guard
from gateway.upstream.proxy import Proxies
from gateway.vault_opening import VaultOpener

log = structlog.get_logger(__name__)


class Providers:
    """A tenant's providers, opened for the job manager."""

    def __init__(self, keyring: Keyring, guard: Guard, proxies: Proxies | None) -> None:
        self._keyring = keyring
        self._guard = guard
        self._proxies = proxies

    def access(self, tenant: TenantRow, name: str) -> Access | None:
        """How to reach it; None where the tenant has none of that name, or its credential cannot be opened."""
        provider = tenant.providers.get(name)
        if provider is None:
            return None
        try:
            secret = open_api_key(tenant.tenant, name, provider, self._keyring)
            account = self._keyring.seal(account_of(provider, secret), tenant=tenant.tenant, field="account")
            return Access(provider.kind, provider.base_url, secret, account)
        except CannotOpen as error:
            log.error("provider_unusable", tenant=tenant.tenant, provider=name, cause=str(error))
            return None

    def ask(self, tenant: TenantRow, name: str) -> AbstractAsyncContextManager[Ask]:
        """What asks its stock model, while that is open. Raises Refused."""
        access = self.access(tenant, name)
        if access is None:
            raise Refused("provider_not_configured", f"The tenant has no provider {name!r}.")
        from finetune.backends import asking  # with the SDK

        return asking.asking(access, self.http(), tenant.providers[name].default_model)

    def http(self) -> httpx2.AsyncClient:
        """A client behind the address guard."""
        return guarded_http.client(self._guard, self._proxies)


def openai_backend(access: Access, http: httpx2.AsyncClient) -> Backend:
    """What fine-tunes through the OpenAI API."""
    from finetune.backends.openai import OpenAIBackend  # with the SDK

    return OpenAIBackend(access, http)


def teacher_price(prices: Prices, kind: str, model: str) -> TeacherPrice | None:
    """What a stock model's answers cost, as calls are priced; without what a long prompt costs more."""
    found = prices.find(Asked(kind, model, None))
    if found is None:
        return None
    told = f"prices as of {prices.as_of}" if found.provider else "the operator's own prices"
    return TeacherPrice(found.input, found.output, told)


async def run(settings: Settings, until: asyncio.Event, answered: Callable[[], None]) -> None:
    """The job worker, until `until` is set; `answered` hears of each answer of the store. Raises SettingsError."""
    prices = price_lists.load(settings.prices)
    asyncio.get_running_loop().set_default_executor(EndingThreads())  # a mount that hangs must not keep it from its end
    store = Store(settings.redis_url or "")
    keyring = Keyring(settings.encryption_keys)
    guard = Guard(settings.upstream_allow)
    providers = Providers(keyring, guard, settings.proxies)
    models = ProviderModels(keyring, guard, settings.proxies)
    told = ToldModels(store, told_models.Provider(models.told, models.account))
    retiring = Retiring(store, told)
    artifacts_url = (settings.artifacts_url or "").rstrip("/")
    tools = Tools(
        store,
        access=providers.access,
        http=providers.http,
        backends={"openai": openai_backend, **unsupported.factories()},
        artifacts_url=artifacts_url,
        open_vault=VaultOpener(keyring, guard, settings.proxies, settings.vault_roots).open,
        ask=providers.ask,
        dates=told.dates,
        known_dates=told.known,
        teacher_price=partial(teacher_price, prices),
        poll_seconds=settings.poll_seconds,
    )
    daily = (
        worker.Daily("artifacts_end", lambda: retention.end(store, artifacts_url, settings.artifact_days)),
        worker.Daily("retirements", retiring.round, retiring.stop),
    )
    try:
        await worker.run(
            store, Manager(tools), artifacts_url=artifacts_url, daily=daily, until=until, answered=answered
        )
    finally:
        await store.close()
