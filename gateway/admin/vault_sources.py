"""From the body that asks for a Vault to a Vault that can be read: its place looked at, its secrets put together, and
the reading itself, bounded in time. Nothing is saved here."""

import asyncio
import threading
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from finetune.vaults import (
    SECRETS,
    Options,
    Place,
    Source,
    Tally,
    VaultNotAllowed,
    VaultUnreadable,
    count,
    misfit,
    parse,
)
from gateway import threads
from gateway.admin.schemas import VaultPut
from gateway.errors import GatewayError
from gateway.masked import Secret
from gateway.store.rows import VaultRow
from gateway.vault_opening import VaultOpener


class _Wanted(Struct, frozen=True):
    """A Vault as it is asked for: its place, its options, the secrets that were sent and those that are taken away."""

    place: Place
    options: Options
    sent: dict[str, Secret]
    ended: frozenset[str]

    def __repr__(self) -> str:
        return f"_Wanted({self.place!r})"  # never its secrets


def source(opener: VaultOpener, tenant: str, body: VaultPut, before: VaultRow | None) -> Source:
    """The Vault that the body asks for, with the secrets that were sent, and those kept that were sent before.

    Raises GatewayError.
    """
    wanted = _wanted(body)
    _check(opener, tenant, wanted)
    kept = _kept(wanted, before)
    try:
        opened = opener.source(tenant, VaultRow("", 0, 0, {}, kept)).secrets
    except VaultUnreadable as error:
        raise GatewayError("vault_unreadable", str(error), "options") from None
    secrets: dict[str, str] = {**opened, **wanted.sent}
    unfit = misfit(wanted.place.scheme, wanted.options, frozenset(secrets))
    if unfit is not None:
        raise GatewayError("invalid_field", f"`options.{unfit[0]}`: {unfit[1]}.", f"options.{unfit[0]}")
    return Source(wanted.place.url, wanted.options, secrets)


async def read(
    opener: VaultOpener,
    tenant: str,
    source: Source,
    seconds: float,
    tally: Tally,
    ended: Callable[[], object] = lambda: None,
) -> bool:
    """Counts the Vault; whether it came to its end in that time. Its thread ends soon after nobody waits, and says so.

    Raises GatewayError where it cannot be read.
    """
    left = threading.Event()
    work = threads.FILES.submit(lambda: count(opener.open_source(tenant, source, left.is_set), tally))
    work.add_done_callback(lambda _: ended())
    try:
        async with asyncio.timeout(seconds):
            await asyncio.wrap_future(work)
    except TimeoutError:
        return False
    except VaultNotAllowed as error:
        raise _not_allowed(error) from None
    except VaultUnreadable as error:
        raise GatewayError("vault_unreadable", str(error), "url") from None
    finally:
        left.set()
    return True


def _wanted(body: VaultPut) -> _Wanted:
    """Raises GatewayError."""
    try:
        place = parse(str(body.url))
    except VaultNotAllowed as error:
        raise _not_allowed(error) from None
    said = body.options
    options = Options(**{name: getattr(said, name) for name in Options.__struct_fields__})
    sent = {name: Secret(value) for name in SECRETS if isinstance(value := getattr(said, name), str)}
    if place.password:
        if "password" in sent:
            words = "`options.password`: the URL has a password too; send one of them."
            raise GatewayError("invalid_field", words, "options.password")
        sent["password"] = Secret(place.password)
    ended = frozenset(name for name in SECRETS if getattr(said, name) is None)
    return _Wanted(replace(place, password=""), options, sent, ended)


def _check(opener: VaultOpener, tenant: str, wanted: _Wanted) -> None:
    try:
        opener.check(tenant, wanted.place.url)
    except VaultNotAllowed as error:
        raise _not_allowed(error) from None


def _kept(wanted: _Wanted, before: VaultRow | None) -> dict[str, str]:
    """The stored secrets, sealed, that are neither sent anew nor taken away. Raises GatewayError where they would go
    to another place."""
    sealed = before.sealed if before is not None else {}
    kept = {name: sealed[name] for name in sealed if name not in wanted.sent and name not in wanted.ended}
    if kept and before is not None and _leads(wanted.place, wanted.options) != _row_leads(before):
        names = ", ".join(f"`options.{name}`" for name in sorted(kept))
        words = f"Send {names} again when the Vault's URL or what leads elsewhere changes, or null to take it away."
        raise GatewayError("api_key_required", words, f"options.{min(kept)}")
    return kept


def _leads(place: Place, options: Options) -> tuple[object, ...]:
    """What says where a Vault's secrets are sent, and for whom."""
    host = place.host if place.scheme not in ("s3", "gs") else ""
    return (place.scheme, host, place.port, place.user, place.sslmode, options.endpoint_url, options.access_key_id)


def _row_leads(row: VaultRow) -> tuple[object, ...]:
    try:
        return _leads(parse(row.url), msgspec.convert(row.options, Options))
    except (VaultNotAllowed, msgspec.ValidationError):  # another version's: then it leads who knows where
        return ()


def _not_allowed(error: VaultNotAllowed) -> GatewayError:
    words = f"{str(error).rstrip('.')}. What may be read is set in HOUSESTYLE_VAULT_ROOTS."
    return GatewayError("vault_not_allowed", words, "url")
