"""Providers, as `housestyle check` judges them: each distinct address is connected to; nothing is asked there."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from gateway.checks.findings import Finding, note, ok, wrong
from gateway.errors import GatewayError
from gateway.masked import masked_url
from gateway.settings import Settings
from gateway.store.rows import ProviderRow
from gateway.upstream import tls
from gateway.upstream.addresses import Guard, InvalidUrl, Origin, parse_base_url
from gateway.upstream.dialling import Dialler
from gateway.wire import kinds

_MOST = 50
_AT_ONCE = 10
_SECONDS = 5.0


class Reached(Struct, frozen=True):
    """How connecting to an address went; `failure` None: well."""

    address: str
    failure: str | None


class Addresses(Struct, frozen=True):
    """Where the providers are. `unusable`: URLs that are none; `unknown` counts those that only litellm knows."""

    origins: tuple[Origin, ...]
    unusable: tuple[str, ...] = ()
    unknown: int = 0


def addresses(providers: Sequence[ProviderRow]) -> Addresses:
    """Each distinct one once, in the order of first mention."""
    origins: dict[Origin, None] = {}
    unusable: list[str] = []
    unknown = 0
    for provider in providers:
        url = provider.base_url or kinds.KINDS[provider.kind].base_url
        host, port = kinds.place(provider.kind, provider.options)
        if url:
            try:
                origins[parse_base_url(url)[0]] = None
            except InvalidUrl as error:
                unusable.append(f"{masked_url(url)}: {error}")
        elif host is not None:
            origins[Origin("https", host, port or 443)] = None
        else:
            unknown += 1
    return Addresses(tuple(origins), tuple(unusable), unknown)


async def reach(origins: Sequence[Origin], settings: Settings) -> list[Reached]:
    """Connects to each, TLS included, some at a time, as a call would: through the guard and the proxy."""
    seconds = min(_SECONDS, settings.connect_timeout)
    dialler = Dialler(Guard(settings.upstream_allow), seconds, tls.client_context(), settings.proxies)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(origin: Origin) -> Reached:
        address = f"{origin.scheme}://{origin.authority.decode()}"
        async with slots:
            try:
                connection = await dialler.connect(origin)
            except GatewayError as error:
                return Reached(address, str(error))
        connection.abort()
        return Reached(address, None)

    return list(await asyncio.gather(*(one(origin) for origin in origins[:_MOST])))


def judge(found: Addresses, reached: Sequence[Reached]) -> list[Finding]:
    """A line for each that cannot be used, and one for all the others."""
    findings = [wrong("providers", f"{words}.") for words in found.unusable]
    findings += [wrong("providers", f"{one.address}: {one.failure}") for one in reached if one.failure is not None]
    well = sum(one.failure is None for one in reached)
    if well:
        findings.append(ok("providers", f"{well} of {len(reached)} addresses take connections."))
    if len(found.origins) > _MOST:
        findings.append(note("providers", f"{len(found.origins) - _MOST} more addresses were not tried."))
    if found.unknown:
        findings.append(note("providers", f"Of {found.unknown} only the translator knows the address: not tried."))
    return findings or [note("providers", "No tenant has a provider yet.")]


def translator(providers: Sequence[ProviderRow], settings: Settings) -> list[Finding]:
    """Whether what translated providers need is there, where the translator is a child of the gateway."""
    kinds_used = sorted({one.kind for one in providers if kinds.is_translated(one.kind)})
    if not kinds_used or settings.translator_url is not None:
        return []
    if settings.translator_python is None:
        words = f"Providers of kind {', '.join(kinds_used)} need the translator's environment, which is not installed. "
        return [wrong("translator", words + "Install it, or set HOUSESTYLE_TRANSLATOR_PYTHON to its Python.")]
    return [ok("translator", f"Its environment is there ({settings.translator_python}).")]
