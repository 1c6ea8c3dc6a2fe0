"""A tenant's Vault: where its documents are read from. Counted before it is accepted, its secrets sealed."""

import threading

import msgspec
from msgspec.structs import replace

from finetune.vaults import Source, Tally
from gateway.admin import vault_sources, views
from gateway.admin.changes import Control, Plan, tenant_kept, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import VaultPut, VaultTestView, VaultView
from gateway.errors import GatewayError
from gateway.store.rows import VaultRow
from gateway.vault_opening import VaultOpener
from policies.access import Action

_READ_SECONDS = 600.0
_TEST_SECONDS = 30.0
_MOST_TESTS = 4  # at once, on a replica: each holds one of its threads for reading
_ERRORS = ("vault_not_allowed", "vault_unreadable", "api_key_required")


class Vaults:
    """The operations on Vaults. One that is not read within `seconds` is not accepted; a test ends after
    `test_seconds`."""

    def __init__(
        self,
        control: Control,
        opener: VaultOpener,
        seconds: float = _READ_SECONDS,
        test_seconds: float = _TEST_SECONDS,
    ) -> None:
        self._control = control
        self._opener = opener
        self._seconds = seconds
        self._test_seconds = test_seconds
        self._tests = threading.Semaphore(_MOST_TESTS)

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
                errors=_ERRORS,
            ),
            AdminRoute(
                "POST",
                "/tenants/{tenant}/vault/test",
                Action.MANAGE_VAULT,
                self.test,
                VaultPut,
                VaultTestView,
                errors=(*_ERRORS, "vault_test_busy"),
                reads=True,
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
        source = await self._source(asked)
        tally = Tally()
        if not await vault_sources.read(self._opener, asked.tenant, source, self._seconds, tally):
            words = f"The Vault was not read to its end within {self._seconds:g} seconds."
            raise GatewayError("vault_unreadable", words, "url")
        counted = tally.count

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

    async def test(self, asked: Asked) -> Answered:
        """Reads and counts a Vault as it is asked for, and saves nothing of it.

        The body is the one that would save it. A secret that is left out is the stored one, where it would be sent to
        the same place; one that is sent is forgotten. It ends after 30 seconds: of a large Vault, what was counted
        until then is answered.
        """
        source = await self._source(asked)
        if not self._tests.acquire(blocking=False):
            raise GatewayError("vault_test_busy")
        tally, seconds = Tally(), self._test_seconds
        complete = await vault_sources.read(self._opener, asked.tenant, source, seconds, tally, self._tests.release)
        if not complete and tally.is_empty:
            words = f"Nothing of the Vault was there within {seconds:g} seconds."
            raise GatewayError("vault_unreadable", words, "url")
        return Answered(views.vault_test(source.url, tally, complete=complete))

    async def _source(self, asked: Asked) -> Source:
        """The Vault that is asked for. Raises GatewayError."""
        tenant, _ = await self._control.tenant(asked.tenant)
        return vault_sources.source(self._opener, asked.tenant, asked.body, tenant.vault)


def _audited(vault: VaultRow, known: dict[str, str]) -> object:
    """A Vault in an audit record. That a secret took another's place is said by itself."""
    changed = sorted(name for name in vault.sealed if known.get(name, vault.sealed[name]) != vault.sealed[name])
    shown = msgspec.to_builtins(views.vault(vault))
    return {**shown, "secrets_changed": changed} if changed else shown
