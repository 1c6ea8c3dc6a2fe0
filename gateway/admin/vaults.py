"""A tenant's Vault: where its documents are read from. Counted before it is accepted."""

import msgspec
from msgspec.structs import replace

from finetune.vaults import VaultNotAllowed, VaultUnreadable, count, open_vault, roots_of
from gateway import threads
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import VaultPut
from gateway.errors import GatewayError
from gateway.store.rows import TenantRow, VaultRow
from policies.access import Action


class Vaults:
    """The operations on Vaults. `roots` are the URL prefixes that one may lie under."""

    def __init__(self, control: Control, roots: tuple[str, ...]) -> None:
        self._control = control
        self._roots = roots

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute("GET", "/tenants/{tenant}/vault", Action.MANAGE_VAULT, self.read),
            AdminRoute("PUT", "/tenants/{tenant}/vault", Action.MANAGE_VAULT, self.put, VaultPut),
        ]

    async def read(self, asked: Asked) -> Answered:
        """The Vault, and what was counted in it."""
        tenant, _ = await self._control.tenant(asked.tenant)
        if tenant.vault is None:
            raise GatewayError("vault_not_configured")
        return Answered(views.vault(tenant.vault))

    async def put(self, asked: Asked) -> Answered:
        """Reads the whole Vault once, in a thread, and accepts it if that went well."""
        url: str = asked.body.url
        try:
            counted = await threads.reading(lambda: count(open_vault(url, roots_of(self._roots, asked.tenant))))
        except VaultNotAllowed as error:
            words = f"{error} What may be read is set in HOUSESTYLE_VAULT_ROOTS."
            raise GatewayError("vault_not_allowed", words, "url") from None
        except VaultUnreadable as error:
            raise GatewayError("vault_unreadable", str(error), "url") from None
        vault = VaultRow(url, counted.ready_chunks, counted.other_chunks)

        async def plan() -> Plan[TenantRow]:
            tenant, row = await self._control.tenant(asked.tenant)
            if tenant.vault == vault:
                return Plan([tenant_kept(asked.tenant, row)], tenant)
            after = replace(tenant, vault=vault, updated_at=self._control.now())
            before = msgspec.to_builtins(views.vault(tenant.vault)) if tenant.vault else None
            return Plan([tenant_write(row, after)], after, before, msgspec.to_builtins(views.vault(vault)))

        changed = await self._control.change(asked.actor, "vault.put", asked.tenant, plan)
        return Answered(views.vault(vault), 200, changed)
