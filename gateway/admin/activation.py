"""Which model answers from this moment on: a job's, or the stock one. The only two routes that flip it."""

from collections.abc import Awaitable, Callable

from finetune import activation, records
from finetune.activation import NotReady, UnknownCheckpoint
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import ActivatePost, ActivationView, Empty
from gateway.errors import GatewayError
from gateway.store import keys
from gateway.store.connection import COMPARE, Write
from gateway.store.rows import ActiveRow
from policies.access import Action


class Activations:
    """The operations that change which model answers."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "POST",
                "/tenants/{tenant}/jobs/{job_id:job}/activate",
                Action.ACTIVATE,
                self.activate,
                ActivatePost,
                ActivationView,
                errors=("job_not_found", "job_not_ready", "provider_not_configured"),
            ),
            AdminRoute("POST", "/tenants/{tenant}/stock", Action.ACTIVATE, self.stock, Empty, ActivationView),
        ]

    async def activate(self, asked: Asked) -> Answered:
        """Activates a job: from now on its model answers its share of the tenant's calls.

        Any other job of the tenant is deactivated by the same change.
        """
        body: ActivatePost = asked.body

        async def plan() -> Plan[activation.Plan]:
            tenant, row = await self._control.tenant(asked.tenant)
            stored = await records.load(self._control.store, asked.tenant, asked.path["job_id"])
            if stored is None:
                raise GatewayError("job_not_found")
            try:
                flip = activation.activate(
                    tenant,
                    stored.job,
                    body.share,
                    now=self._control.now(),
                    by=asked.caller.key_id,
                    checkpoint=body.checkpoint,
                )
            except UnknownCheckpoint:
                words = f"The job has no checkpoint {body.checkpoint!r}; its `checkpoints` are listed with it."
                raise GatewayError("invalid_field", words, "checkpoint") from None
            except NotReady as error:
                raise GatewayError(
                    "job_not_ready", f"The job is `{error}`; only a `ready` one can be activated."
                ) from None
            if stored.job.provider not in tenant.providers:
                raise GatewayError("provider_not_configured", f"The job's provider {stored.job.provider!r} is gone.")
            same = Write(keys.jobs_of(asked.tenant), stored.job.id, stored.row, COMPARE)
            if _same(tenant.active, flip.tenant.active):
                return Plan([tenant_kept(asked.tenant, row), same], activation.Plan(tenant, ()))
            return Plan(
                [tenant_write(row, flip.tenant), same],
                flip,
                _shown(tenant.active),
                _shown(flip.tenant.active),
            )

        return await self._flip(asked, "activate", plan)

    async def stock(self, asked: Asked) -> Answered:
        """Goes back to the stock model: deactivates every job of the tenant, and deletes none."""

        async def plan() -> Plan[activation.Plan]:
            tenant, row = await self._control.tenant(asked.tenant)
            if tenant.active is None:
                return Plan([tenant_kept(asked.tenant, row)], activation.Plan(tenant, ()))
            flip = activation.stock(tenant, now=self._control.now())
            return Plan([tenant_write(row, flip.tenant)], flip, _shown(tenant.active), None)

        return await self._flip(asked, "stock", plan)

    async def _flip(
        self,
        asked: Asked,
        action: str,
        plan: Callable[[], Awaitable[Plan[activation.Plan]]],
    ) -> Answered:
        changed = await self._control.change(asked.actor, action, asked.tenant, plan)
        flip = changed.result
        return Answered(views.activation(flip.tenant, flip.deactivated, changed), 200, changed)


def _same(one: ActiveRow | None, other: ActiveRow | None) -> bool:
    """Whether nothing would change: since when, and by whom, is no part of it."""
    return _shown(one) == _shown(other)


def _shown(active: ActiveRow | None) -> dict[str, str | float] | None:
    if active is None:
        return None
    shown: dict[str, str | float] = {"job_id": active.job_id, "share": active.share}
    return {**shown, "checkpoint": active.checkpoint} if active.checkpoint else shown
