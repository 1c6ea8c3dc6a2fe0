"""Tenants: list, read, make, change, delete."""

import re
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from finetune import records
from gateway import endpoints
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.parameters import PAGE, Parameter
from gateway.admin.schemas import ListView, Recent, TenantPut, TenantView
from gateway.errors import GatewayError
from gateway.store import keys
from gateway.store.connection import Write
from gateway.store.rows import TenantRow, tenant_row
from gateway.why_summary import recent_calls
from policies import access
from policies.access import Action

_NAMED = Parameter("q", "Only tenants whose id or name has this in it.")
_ERASE = Parameter("erase", "`true`: what was kept of the tenant ends at once, not with its retention.", "boolean")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Tenants:
    """The operations on tenants."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "GET",
                "/tenants",
                Action.LIST_TENANTS,
                self.list,
                answer=ListView[TenantView],
                parameters=(_NAMED, *PAGE),
            ),
            AdminRoute("GET", "/tenants/{tenant}", Action.READ_TENANT, self.read, answer=TenantView),
            AdminRoute(
                "PUT",
                "/tenants/{tenant}",
                Action.CHANGE_TENANT,
                self.put,
                TenantPut,
                TenantView,
                statuses=(200, 201),
                errors=("invalid_tenant_name", "tenant_name_retired"),
            ),
            AdminRoute(
                "DELETE",
                "/tenants/{tenant}",
                Action.GOVERN_TENANT,
                self.delete,
                statuses=(204,),
                parameters=(_ERASE,),
            ),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Lists tenants by id; with `q`, those whose id or name has it in it."""
        wanted = asked.query.get("q", "").strip().casefold()
        store, cursor = self._control.store, asked.cursor(_NAME)
        names = [name for name in await store.fields(keys.TENANTS) if cursor is None or name > cursor]
        shown: list[TenantView] = []
        last = None
        for start in range(0, len(names), asked.limit):
            chunk = names[start : start + asked.limit]
            for name, row in zip(chunk, await store.rows(keys.TENANTS, chunk), strict=True):
                tenant = tenant_row(row) if row is not None else None
                if row is None or tenant is None or tenant.deleted or not _has(tenant, wanted):
                    continue
                if len(shown) == asked.limit:
                    return Answered(ListView(shown, last))
                shown.append(await self._view(tenant, row.revision))
                last = name
        return Answered(ListView(shown))

    async def read(self, asked: Asked) -> Answered:
        """Shows a tenant."""
        tenant, row = await self._control.tenant(asked.tenant)
        return Answered(await self._view(tenant, row.revision))

    async def put(self, asked: Asked) -> Answered:
        """Makes a tenant, or changes one.

        What the body leaves out stays as it is. Only a platform admin may make or suspend a tenant, open paths to it,
        or switch its rule off.
        """
        check_name(asked.tenant)
        body: TenantPut = asked.body

        async def plan() -> Plan[tuple[TenantRow, bool]]:
            row = await self._control.store.row(keys.TENANTS, asked.tenant)
            before = tenant_row(row) if row is not None else None
            self._check(asked, body, before)
            now = self._control.now()
            base = before or TenantRow(asked.tenant, created_at=now, updated_at=now, name=asked.tenant)
            given = {field: value for field, value in msgspec.structs.asdict(body).items() if value is not UNSET}
            if row is not None and before is not None and replace(before, **given) == before:
                return Plan([tenant_kept(asked.tenant, row)], (before, False))
            after = replace(base, **given, updated_at=now)
            return Plan([tenant_write(row, after)], (after, before is None), _shown(before), _shown(after))

        changed = await self._control.change(asked.actor, "tenant.put", asked.tenant, plan)
        tenant, is_new = changed.result
        view = await self._view(tenant, changed.revision)
        return Answered(view, 201 if is_new else 200, changed)

    async def delete(self, asked: Asked) -> Answered:
        """Deletes a tenant.

        Its keys stop, its live jobs are cancelled, and its name is never given out again. What its jobs left and what
        is recorded of its calls end with their retention.
        """
        store = self._control.store
        erase = asked.query.get("erase") == "true"

        async def plan() -> Plan[list[str]]:
            before, row = await self._control.tenant(asked.tenant)
            now = self._control.now()
            # Its jobs are ended at their provider first, so the providers stay until the worker has done that.
            after = TenantRow(
                asked.tenant,
                created_at=before.created_at,
                updated_at=now,
                deleted=True,
                providers=before.providers,
                fine_tunes=before.fine_tunes,
            )
            leaving = Write(keys.LEAVING, asked.tenant, None, b"erase" if erase else b"keep")
            writes = [tenant_write(row, after), leaving]
            live = [job_id for tenant, job_id in await records.live(store) if tenant == asked.tenant]
            return Plan(writes, live, _shown(before), {"deleted": True, "erase": erase})

        changed = await self._control.change(asked.actor, "tenant.delete", asked.tenant, plan)
        for job_id in changed.result:
            await records.wake(store, asked.tenant, job_id)
        return Answered(None, 204, changed)

    def _check(self, asked: Asked, body: TenantPut, before: TenantRow | None) -> None:
        """What only a platform admin may do to a tenant. Raises GatewayError."""
        if before is not None and before.deleted:
            raise GatewayError("tenant_name_retired")
        governs = (
            before is None
            or body.suspended is not UNSET
            or body.allowed_paths is not UNSET
            or body.rule == "off"
            or (body.rule is not UNSET and before.rule == "off")
        )
        if governs:
            refusal = access.refuse(asked.caller, Action.GOVERN_TENANT, asked.tenant)
            if refusal is not None:
                raise GatewayError(refusal.code, "Only a platform admin may create, suspend or switch off a tenant.")
        for path in body.allowed_paths or ():
            if not endpoints.allows(path):
                words = f"{path!r} cannot be allowed. It is `rerank`, without /v1/, or `batches/*` for all below."
                raise GatewayError("invalid_field", words, "allowed_paths")

    async def _view(self, tenant: TenantRow, revision: int) -> TenantView:
        recent = Recent(*await recent_calls(self._control.store, tenant.tenant))
        return views.tenant(tenant, revision, recent)


def check_name(tenant: str) -> None:
    """Whether a tenant may be called so. Raises GatewayError `invalid_tenant_name`."""
    if not _NAME.fullmatch(tenant):
        raise GatewayError("invalid_tenant_name", param="tenant")


def _has(tenant: TenantRow, wanted: str) -> bool:
    return wanted in tenant.tenant or wanted in tenant.name.casefold()


def _shown(tenant: TenantRow | None) -> Any:
    """What an audit record says of a tenant's own fields."""
    if tenant is None:
        return None
    return {
        "name": tenant.name,
        "rule": tenant.rule,
        "fallback": tenant.fallback,
        "suspended": tenant.suspended,
        "allowed_paths": tenant.allowed_paths,
        "cost_limit_usd": tenant.cost_limit_usd,
    }
