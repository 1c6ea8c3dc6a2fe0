"""A tenant's providers: where its calls go, with which credential."""

import hmac
from typing import Any

import msgspec
from msgspec.structs import replace

from finetune import records, states
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import ListView, ProviderPut, ProviderView
from gateway.errors import GatewayError
from gateway.provider_keys import is_current, open_api_key, seal_api_key, sent_to
from gateway.secrets import CannotOpen, Keyring, hint
from gateway.store.rows import ProviderRow, TenantRow
from gateway.upstream.addresses import AddressNotAllowed, Guard, InvalidUrl, parse_base_url
from gateway.wire.kinds import KINDS
from policies.access import Action

_NAME_LENGTH = 63
_MOST_PROVIDERS = 64  # they stand in one row, which every change of the tenant writes anew


class Providers:
    """The operations on providers."""

    def __init__(self, control: Control, keyring: Keyring, guard: Guard) -> None:
        self._control = control
        self._keyring = keyring
        self._guard = guard

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        one = "/tenants/{tenant}/providers/{provider}"
        return [
            AdminRoute(
                "GET",
                "/tenants/{tenant}/providers",
                Action.MANAGE_PROVIDERS,
                self.list,
                answer=ListView[ProviderView],
            ),
            AdminRoute(
                "PUT",
                one,
                Action.MANAGE_PROVIDERS,
                self.put,
                ProviderPut,
                ProviderView,
                errors=("api_key_required", "address_not_allowed"),
            ),
            AdminRoute(
                "DELETE",
                one,
                Action.MANAGE_PROVIDERS,
                self.delete,
                statuses=(204,),
                errors=("provider_not_configured", "provider_in_use"),
            ),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Lists a tenant's providers by name, all of them."""
        tenant, _ = await self._control.tenant(asked.tenant)
        return Answered(ListView([_view(tenant, name) for name in sorted(tenant.providers)]))

    async def put(self, asked: Asked) -> Answered:
        """Makes a provider, or changes one.

        Its key is sealed, and shown to nobody again but for its last four characters. Where a change would lead the key
        elsewhere, it must be sent anew. The first provider of a tenant is its default one.
        """
        name = asked.path["provider"]
        if not (name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) <= _NAME_LENGTH):
            raise GatewayError("invalid_field", "A provider's name is letters, digits, `-` and `_`.", "provider")
        body: ProviderPut = asked.body

        async def plan() -> Plan[TenantRow]:
            tenant, row = await self._control.tenant(asked.tenant)
            before = tenant.providers.get(name)
            if before is None and len(tenant.providers) >= _MOST_PROVIDERS:
                raise GatewayError("invalid_field", f"A tenant has at most {_MOST_PROVIDERS} providers.", "provider")
            _refuse_fine_tune(tenant, body.default_model)
            made = await self._provider(asked.tenant, name, body, before)
            after = replace(
                tenant,
                providers={**tenant.providers, name: made},
                default_provider=_default(tenant, name, body.is_default),
            )
            if after == tenant:
                return Plan([tenant_kept(asked.tenant, row)], tenant)
            after = replace(after, updated_at=self._control.now())
            changed_key = before is not None and before.sealed_api_key != made.sealed_api_key
            shown = _audited(after, name, api_key_changed=changed_key)
            return Plan([tenant_write(row, after)], after, _audited(tenant, name), shown)

        changed = await self._control.change(asked.actor, "provider.put", asked.tenant, plan)
        return Answered(_view(changed.result, name), 200, changed)

    async def delete(self, asked: Asked) -> Answered:
        """Takes a provider away, unless the active job or a live one needs it."""
        name = asked.path["provider"]

        async def plan() -> Plan[None]:
            tenant, row = await self._control.tenant(asked.tenant)
            if name not in tenant.providers:
                raise GatewayError("provider_not_configured", f"The tenant has no provider {name!r}.")
            await self._refuse_in_use(tenant, name)
            after = replace(
                tenant,
                providers={other: kept for other, kept in tenant.providers.items() if other != name},
                default_provider=None if tenant.default_provider == name else tenant.default_provider,
                updated_at=self._control.now(),
            )
            return Plan([tenant_write(row, after)], None, _audited(tenant, name), None)

        return Answered(None, 204, await self._control.change(asked.actor, "provider.delete", asked.tenant, plan))

    async def _refuse_in_use(self, tenant: TenantRow, name: str) -> None:
        made = tenant.fine_tunes.get(tenant.active.job_id) if tenant.active else None
        if made is not None and made.provider == name:
            raise GatewayError("provider_in_use", "The active job's model lives at this provider.")
        for owner, job_id in await records.live(self._control.store):
            stored = await records.load(self._control.store, owner, job_id) if owner == tenant.tenant else None
            if stored is not None and stored.job.provider == name and not states.is_final(stored.job):
                raise GatewayError("provider_in_use", f"The job {job_id} is being made at this provider.")

    async def _provider(self, tenant: str, name: str, body: ProviderPut, before: ProviderRow | None) -> ProviderRow:
        """The provider's row. Raises GatewayError."""
        same_kind = before is not None and before.kind == body.kind
        base_url = body.base_url or (before.base_url if before and same_kind else KINDS[body.kind].base_url)
        base_url = base_url.rstrip("/")
        await self._check_address(body.kind, base_url)
        options = msgspec.to_builtins(body.options)
        sealed, shown = (before.sealed_api_key, before.api_key_hint) if before else (None, None)
        after = ProviderRow(body.kind, base_url, body.default_model, sealed, shown, options)
        if body.api_key is None:
            if before and before.sealed_api_key and sent_to(before) != sent_to(after):
                raise GatewayError("api_key_required", param="api_key")
            return after
        _check_key(body.kind, body.api_key)
        if before is None or sent_to(before) != sent_to(after) or not self._seals(tenant, name, before, body.api_key):
            sealed = seal_api_key(body.api_key, tenant, name, after, self._keyring)
        return replace(after, sealed_api_key=sealed, api_key_hint=hint(body.api_key))

    def _seals(self, tenant: str, name: str, before: ProviderRow, api_key: str) -> bool:
        """Whether this is the key that is sealed already, as it should be. Sealed again, it would look like another."""
        try:
            known = open_api_key(tenant, name, before, self._keyring)
        except CannotOpen:
            return False
        same = known is not None and hmac.compare_digest(known.encode(), api_key.encode())
        return same and is_current(before)

    async def _check_address(self, kind: str, base_url: str) -> None:
        """Said here so that the admin hears of it; what counts is the guard at every connection."""
        if not base_url and not KINDS[kind].needs_url:
            return
        try:
            origin, _ = parse_base_url(base_url)
            await self._guard.resolve(origin.host, origin.port)
        except InvalidUrl as error:
            # A password may stand in it, and the error's own words may repeat that.
            words = "the URL must hold no user and no password" if "@" in base_url else str(error)
            raise GatewayError("invalid_field", f"`base_url`: {words}.", "base_url") from None
        except AddressNotAllowed as error:
            words = f"{error}. A platform operator can allow it in HOUSESTYLE_UPSTREAM_ALLOW."
            raise GatewayError("address_not_allowed", words, "base_url") from None
        except OSError:
            return  # a name that does not resolve yet is judged when it does


def _check_key(kind: str, api_key: str) -> None:
    """Whether a credential can be one of its kind. Raises GatewayError."""
    if kind == "vertex":
        try:
            account = msgspec.json.decode(api_key.encode(), type=dict[str, Any])
        except msgspec.MsgspecError:
            account = {}
        if account.get("type") != "service_account":
            words = "The key of a vertex provider is a service account's JSON, as text."
            raise GatewayError("invalid_field", words, "api_key")
    elif not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise GatewayError("invalid_field", "The key has a character that a header cannot hold.", "api_key")


def _refuse_fine_tune(tenant: TenantRow, model: str) -> None:
    """The default is the stock model: a fine-tune there would go on answering after "use stock model"."""
    if model.startswith("ft:") or model in {made.model for made in tenant.fine_tunes.values()}:
        words = "`default_model` is the stock model; a fine-tuned one answers by being activated."
        raise GatewayError("invalid_field", words, "default_model")


def _default(tenant: TenantRow, name: str, wanted: bool | None) -> str | None:
    """The default provider after a change; the first one becomes it unless told otherwise."""
    if wanted or (wanted is None and tenant.default_provider is None):
        return name
    if wanted is False and tenant.default_provider == name:
        return None
    return tenant.default_provider


def _view(tenant: TenantRow, name: str) -> Any:
    return views.provider(name, tenant.providers[name], is_default=tenant.default_provider == name)


def _audited(tenant: TenantRow, name: str, *, api_key_changed: bool = False) -> Any:
    """A provider in an audit record. Two keys may end alike, so that one took another's place is said by itself."""
    if name not in tenant.providers:
        return None
    shown = msgspec.to_builtins(_view(tenant, name))
    return {**shown, "api_key_changed": True} if api_key_changed else shown
