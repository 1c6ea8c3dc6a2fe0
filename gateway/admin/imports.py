"""A fine-tuned model made elsewhere becomes a `ready` job, so that calls may name it and it can be activated."""

import re

import msgspec
from msgspec import Struct

from finetune import activation, records, retirement
from finetune.base_models import base_of, is_fine_tuned_id, same_model
from finetune.values import Backend, Job, encode
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_write
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.job_making import repeat_of
from gateway.admin.jobs import JOBS
from gateway.admin.parameters import IDEMPOTENCY_KEY
from gateway.admin.provider_models import ERRORS, Listed, ProviderModels
from gateway.admin.schemas import ImportPost, JobView
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Write
from gateway.store.rows import ProviderRow, TenantRow
from policies import substitution
from policies.access import Action

_BACKENDS: dict[str, Backend] = {
    "openai": "openai",
    "openai_compatible": "openai",
    "azure_openai": "azure_openai",
    "anthropic": "anthropic",
    "together": "together",
    "fireworks": "fireworks",
}
# Together appends such an id to what it makes; Fireworks has its own models under its own name.
_TOGETHER_MADE = re.compile(r".+/.+-[0-9a-f]{8}")
_FIREWORKS_MADE = re.compile(r"accounts/(?!fireworks/)[^/]+/.+")


class _Checked(Struct, frozen=True):
    """A model as the provider showed it, and the provider's row that it was asked by."""

    provider: ProviderRow
    listed: Listed
    account: str


class Imports:
    """The operation."""

    def __init__(self, control: Control, routes: Routes, keyring: Keyring, provider_models: ProviderModels) -> None:
        self._control = control
        self._routes = routes
        self._keyring = keyring
        self._provider_models = provider_models

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "POST",
                JOBS + "/import",
                Action.RUN_JOBS,
                self.make,
                ImportPost,
                JobView,
                statuses=(201,),
                parameters=(IDEMPOTENCY_KEY,),
                errors=(*ERRORS, "model_not_found", "model_already_known", "idempotency_key_reused"),
            )
        ]

    async def make(self, asked: Asked) -> Answered:
        """Makes a `ready` job of a fine-tuned model that was made elsewhere.

        The provider is asked whether the model is there.
        """
        body: ImportPost = asked.body
        checked: _Checked | None = None

        async def plan() -> Plan[JobView]:
            nonlocal checked
            tenant, row = await self._control.tenant(asked.tenant)
            repeat = await repeat_of(self._control, asked)
            again = repeat.known()
            if again is not None:
                return again
            if checked is None or checked.provider != tenant.providers.get(body.provider):
                checked = await self._checked(body, tenant)
            self._refuse_known(body, tenant, checked.account)
            job = self._job(asked, body, checked)
            account = self._keyring.seal(checked.account, tenant=asked.tenant, field="account")
            after = activation.known(tenant, job, account, now=job.created_at)
            view = views.job(job, after)
            made = Write(keys.jobs_of(asked.tenant), job.id, None, encode(job))
            words = f"The job {job.label!r} was made of the model {body.model}, which was fine-tuned elsewhere."
            notes = (records.note(job.id, "imported", words),)
            return Plan(
                [tenant_write(row, after), made, *repeat.writes(view)], view, None, msgspec.to_builtins(view), notes
            )

        changed = await self._control.change(asked.actor, "job.import", asked.tenant, plan)
        return Answered(changed.result, 201, changed)

    async def _checked(self, body: ImportPost, tenant: TenantRow) -> _Checked:
        """What the provider says of the model. Raises GatewayError."""
        provider = tenant.providers.get(body.provider)
        if provider is None:
            raise GatewayError("provider_not_configured", f"The tenant has no provider {body.provider!r}.", "provider")
        if provider.kind not in _BACKENDS:
            words = f"A provider of kind {provider.kind} cannot be asked for its models."
            raise GatewayError("endpoint_not_supported", words, "provider")
        _check_base(body)
        account = self._provider_models.account(tenant, body.provider)
        if account is not None:  # before the provider is asked: that a model of another tenant's is there is not told
            self._refuse_known(body, tenant, account)
        listed = await self._provider_models.model(tenant, body.provider, body.model)
        if account is None:
            raise GatewayError("provider_unusable", param="provider")
        if not is_fine_tune(provider.kind, listed):
            words = f"{body.model} cannot be told from a stock model: only fine-tuned models are imported."
            raise GatewayError("invalid_field", words, "model")
        return _Checked(provider, listed, account)

    def _refuse_known(self, body: ImportPost, tenant: TenantRow, account: str) -> None:
        """Raises GatewayError for a model that is known as somebody's. An id that nobody knows yet is what an import is
        for, so it is not the data plane's question that is asked here."""
        owners = self._routes.owners.get((account, substitution.known_as(body.model)), ())
        if any(owner != tenant.tenant for owner in owners):
            raise GatewayError("model_not_found", param="model")
        for job_id, made in tenant.fine_tunes.items():
            names = {substitution.known_as(model) for model in (made.model, *made.checkpoints.values())}
            if substitution.known_as(body.model) in names:
                raise GatewayError("model_already_known", f"The job {job_id} has this model already.", "model")

    def _job(self, asked: Asked, body: ImportPost, checked: _Checked) -> Job:
        now = self._control.now()
        told = {body.model: checked.listed.shutdown_date} if checked.listed.shutdown_date else {}
        return Job(
            id=records.new_id("job"),
            tenant=asked.tenant,
            uid=records.new_id("uid"),
            label=body.label,
            backend=_BACKENDS[checked.provider.kind],
            provider=body.provider,
            base_model=body.base_model,
            status="ready",
            created_by=asked.caller.key_id,
            created_at=now,
            updated_at=now,
            since=now,
            finished_at=now,
            fine_tuned_model=body.model,
            imported=True,
            retires_at=retirement.of(told).retires_at(body.base_model, checked.provider.kind, body.model),
        )


def is_fine_tune(kind: str, listed: Listed) -> bool:
    """Whether a model is certainly somebody's own. A stock model must not become a tenant's: others with the same
    account would be refused it."""
    if is_fine_tuned_id(listed.id) or listed.parent:
        return True
    made = {"together": _TOGETHER_MADE, "fireworks": _FIREWORKS_MADE}.get(kind)
    return made is not None and made.fullmatch(listed.id) is not None


def _check_base(body: ImportPost) -> None:
    """Raises GatewayError where the base model cannot be the model's."""
    if is_fine_tuned_id(body.base_model):
        raise GatewayError("invalid_field", "The base model is a stock model.", "base_model")
    base = base_of(body.model)
    if base != body.model and not same_model(base, body.base_model):
        raise GatewayError("invalid_field", f"The model's own name says that its base is {base}.", "base_model")
