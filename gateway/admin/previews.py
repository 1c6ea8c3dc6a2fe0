"""What a job would be trained on and cost, before there is one: the operation `POST T/jobs/preview`."""

import time

from msgspec.structs import replace

from finetune import cost, records
from finetune.values import Job, Notice, Preview
from finetune.vaults import VaultUnreadable
from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.job_making import JobMaking
from gateway.admin.jobs import JOBS
from gateway.admin.schemas import JobPost
from gateway.errors import GatewayError
from gateway.previewing import SECONDS, Order, Previewer
from gateway.store.rows import TenantRow
from gateway.upstream.addresses import Network
from gateway.vault_opening import VaultOpener
from policies.access import Action

_ERRORS = (
    "provider_not_configured",
    "model_not_found",
    "teacher_consent_required",
    "vault_not_configured",
    "vault_not_allowed",
    "vault_unreadable",
    "preview_busy",
    "preview_failed",
    "preview_timed_out",
)


class Previews:
    """The operation. It refuses what `POST T/jobs` would refuse, and changes nothing."""

    def __init__(
        self,
        control: Control,
        making: JobMaking,
        opener: VaultOpener,
        previewer: Previewer,
        roots: tuple[str, ...],
        allow: tuple[Network, ...],
    ) -> None:
        self._control = control
        self._making = making
        self._opener = opener
        self._previewer = previewer
        self._roots = roots
        self._allow = tuple(str(network) for network in allow)

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "POST",
                JOBS + "/preview",
                Action.RUN_JOBS,
                self.preview,
                JobPost,
                Preview,
                errors=_ERRORS,
                reads=True,
            )
        ]

    async def preview(self, asked: Asked) -> Answered:
        """Tells what a job would be trained on, and about what it would cost.

        From a fair sample of the Vault, with the body that would make the job. Nothing is changed, and the provider is
        not asked. One is made at a time on a replica, within 60 seconds, and kept for five minutes.
        """
        tenant, _ = await self._control.tenant(asked.tenant)
        job = self._making.job(asked, asked.body, tenant)
        if tenant.vault is None:
            raise GatewayError("vault_not_configured")
        try:
            source = self._opener.source(asked.tenant, tenant.vault)
        except VaultUnreadable as error:
            raise GatewayError("vault_unreadable", str(error)) from None
        plain = replace(source, secrets={name: str(secret) for name, secret in source.secrets.items()})
        order = Order(plain, self._roots, self._allow, job, tenant.vault.ready_chunks, SECONDS)
        made = await self._previewer.preview(order)
        return Answered(replace(made, warnings=(*made.warnings, *await self._limits(tenant, job, made))))

    async def _limits(self, tenant: TenantRow, job: Job, made: Preview) -> list[Notice]:
        """Whether the estimate is above what the job or the tenant may cost."""
        limit, spent = tenant.cost_limit_usd, 0.0
        if limit is not None:
            since = time.time() - cost.TENANT_DAYS * 86400
            others = await records.since(self._control.store, tenant.tenant, since)
            spent = sum(other.estimated_cost_usd or 0.0 for other in others)
        known = None
        if made.estimated_cost_usd is not None:
            known = cost.Estimate(made.estimated_cost_usd, made.cost_words or "")
        refusal = cost.check_limits(known, job.options.get("cost_limit_usd"), limit, spent)
        return [Notice("cost_limit_exceeded", refusal)] if refusal else []
