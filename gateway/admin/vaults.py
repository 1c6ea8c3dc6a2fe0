"""A tenant's Vault: where its documents are read from. Counted before it is accepted, its secrets sealed."""

import asyncio
import threading

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from finetune.vaults import (
    SECRETS,
    Options,
    Place,
    Source,
    VaultCount,
    VaultNotAllowed,
    VaultUnreadable,
    count,
    misfit,
    parse,
)
from gateway import threads
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import VaultPut, VaultView
from gateway.errors import GatewayError
from gateway.masked import Secret
from gateway.store.rows import VaultRow
from gateway.vault_opening import VaultOpener
from policies.access import Action

_READ_SECONDS = 600.0


class _Wanted(Struct, frozen=True):
    """A Vault as it is asked for: its place, its options, the secrets that were sent and those that are taken away."""

    place: Place
    options: Options
    sent: dict[str, Secret]
    ended: frozenset[str]

    def __repr__(self) -> str:
        return f"_Wanted({self.place!r})"  # never its secrets


class Vaults:
    """The operations on Vaults. One that is not read within `seconds` is not accepted."""

    def __init__(self, control: Control, opener: VaultOpener, seconds: float = _READ_SECONDS) -> None:
        self._control = control
        self._opener = opener
        self._seconds = seconds

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "GET",
                "/tenants/{tenant}/vault",
                Action.MANAGE_VAULT,
                self.read,
                answer=VaultView,
                errors=("vault_not_configured",),
            ),
            AdminRoute(
                "PUT",
                "/tenants/{tenant}/vault",
                Action.MANAGE_VAULT,
                self.put,
                VaultPut,
                VaultView,
                errors=("vault_not_allowed", "vault_unreadable", "api_key_required"),
            ),
        ]

    async def read(self, asked: Asked) -> Answered:
        """Shows where the Vault is, and what was counted in it."""
        tenant, _ = await self._control.tenant(asked.tenant)
        if tenant.vault is None:
            raise GatewayError("vault_not_configured")
        return Answered(views.vault(tenant.vault))

    async def put(self, asked: Asked) -> Answered:
        """Says where the Vault is.

        The whole of it is read once, and it is accepted if that went well: with a large one this takes a while.
        """
        wanted = _wanted(asked.body)
        try:
            self._opener.check(asked.tenant, wanted.place.url)
        except VaultNotAllowed as error:
            raise _not_allowed(error) from None
        tenant, _ = await self._control.tenant(asked.tenant)
        source = self._source(asked.tenant, wanted, tenant.vault)
        counted = await self._counted(asked.tenant, source)

        async def plan() -> Plan[VaultRow]:
            tenant, row = await self._control.tenant(asked.tenant)
            known = tenant.vault.sealed if tenant.vault else {}
            vault = VaultRow(
                source.url,
                counted.ready_chunks,
                counted.other_chunks,
                msgspec.to_builtins(source.options),
                self._opener.sealed(asked.tenant, source.secrets, known),
            )
            if tenant.vault == vault:
                return Plan([tenant_kept(asked.tenant, row)], vault)
            after = replace(tenant, vault=vault, updated_at=self._control.now())
            before = msgspec.to_builtins(views.vault(tenant.vault)) if tenant.vault else None
            return Plan([tenant_write(row, after)], vault, before, _audited(vault, known))

        changed = await self._control.change(asked.actor, "vault.put", asked.tenant, plan)
        return Answered(views.vault(changed.result), 200, changed)

    def _source(self, tenant: str, wanted: _Wanted, before: VaultRow | None) -> Source:
        """The Vault with the secrets that were sent, and those kept that were sent before. Raises GatewayError."""
        sealed = before.sealed if before is not None else {}
        kept = {name: sealed[name] for name in sealed if name not in wanted.sent and name not in wanted.ended}
        if kept and before is not None and _leads(wanted.place, wanted.options) != _row_leads(before):
            names = ", ".join(f"`options.{name}`" for name in sorted(kept))
            words = f"Send {names} again when the Vault's URL or what leads elsewhere changes, or null to take it away."
            raise GatewayError("api_key_required", words, f"options.{min(kept)}")
        try:
            opened = self._opener.source(tenant, VaultRow("", 0, 0, {}, kept)).secrets
        except VaultUnreadable as error:
            raise GatewayError("vault_unreadable", str(error), "options") from None
        secrets: dict[str, str] = {**opened, **wanted.sent}
        unfit = misfit(wanted.place.scheme, wanted.options, frozenset(secrets))
        if unfit is not None:
            raise GatewayError("invalid_field", f"`options.{unfit[0]}`: {unfit[1]}.", f"options.{unfit[0]}")
        return Source(wanted.place.url, wanted.options, secrets)

    async def _counted(self, tenant: str, source: Source) -> VaultCount:
        """Raises GatewayError where it cannot be read, or not in time. Its thread ends soon after nobody waits."""
        left = threading.Event()
        try:
            async with asyncio.timeout(self._seconds):
                return await threads.reading(lambda: count(self._opener.open_source(tenant, source, left.is_set)))
        except TimeoutError:
            words = f"The Vault was not read to its end within {self._seconds:g} seconds."
            raise GatewayError("vault_unreadable", words, "url") from None
        except VaultNotAllowed as error:
            raise _not_allowed(error) from None
        except VaultUnreadable as error:
            raise GatewayError("vault_unreadable", str(error), "url") from None
        finally:
            left.set()


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


def _leads(place: Place, options: Options) -> tuple[object, ...]:
    """What says where a Vault's secrets are sent, and for whom."""
    host = place.host if place.scheme not in ("s3", "gs") else ""
    return (place.scheme, host, place.port, place.user, place.sslmode, options.endpoint_url, options.access_key_id)


def _row_leads(row: VaultRow) -> tuple[object, ...]:
    try:
        return _leads(parse(row.url), msgspec.convert(row.options, Options))
    except (VaultNotAllowed, msgspec.ValidationError):  # another version's: then it leads who knows where
        return ()


def _audited(vault: VaultRow, known: dict[str, str]) -> object:
    """A Vault in an audit record. That a secret took another's place is said by itself."""
    changed = sorted(name for name in vault.sealed if known.get(name, vault.sealed[name]) != vault.sealed[name])
    shown = msgspec.to_builtins(views.vault(vault))
    return {**shown, "secrets_changed": changed} if changed else shown


def _not_allowed(error: VaultNotAllowed) -> GatewayError:
    words = f"{str(error).rstrip('.')}. What may be read is set in HOUSESTYLE_VAULT_ROOTS."
    return GatewayError("vault_not_allowed", words, "url")
