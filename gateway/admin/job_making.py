"""How a job is made: from the tenant's Vault, or on a new base model from what another job was trained on."""

import hashlib
import json
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from finetune import records
from finetune.values import Consent, Job
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.jobs import JOB, JOBS, stored
from gateway.admin.parameters import IDEMPOTENCY_KEY
from gateway.admin.schemas import JobOptions, JobPost, JobView, RecreatePost
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.store import keys
from gateway.store.connection import COMPARE, Write
from gateway.store.rows import Row, TenantRow
from policies.access import Action

# The kinds whose fine-tuning API is OpenAI's own.
OPENAI_KINDS = frozenset({"openai", "openai_compatible"})

_MAX_IDEMPOTENCY_KEY = 255
_ERRORS = ("provider_not_configured", "model_not_found", "teacher_consent_required", "idempotency_key_reused")


class _FirstAnswer(Struct):
    """What an Idempotency-Key was answered with, and the request that it was used for."""

    request: str
    answer: JobView


class Repeat(Struct, frozen=True):
    """The Idempotency-Key of a request (None: it has none), and the first answer to it, if there was one."""

    key: str | None
    table: str
    request: str
    row: Row | None = None

    def known(self) -> Plan[JobView] | None:
        """The plan that gives the first answer again. Raises GatewayError where it was to another request."""
        if self.key is None or self.row is None:
            return None
        first = msgspec.json.decode(self.row.body, type=_FirstAnswer)
        if first.request != self.request:
            raise GatewayError("idempotency_key_reused")
        return Plan([Write(self.table, self.key, self.row, COMPARE)], first.answer)

    def writes(self, view: JobView) -> list[Write]:
        """What remembers the answer."""
        if self.key is None:
            return []
        return [Write(self.table, self.key, None, msgspec.json.encode(_FirstAnswer(self.request, view)))]


async def repeat_of(control: Control, asked: Asked) -> Repeat:
    """Whether this request was made before. Raises GatewayError."""
    key = asked.headers.get("idempotency-key") or None
    if key and len(key) > _MAX_IDEMPOTENCY_KEY:
        raise GatewayError("invalid_field", f"An Idempotency-Key has at most {_MAX_IDEMPOTENCY_KEY} characters.")
    table = keys.first_answers_of(asked.tenant)
    request = hashlib.sha256(msgspec.json.encode([asked.path.get("job_id"), asked.body])).hexdigest()
    return Repeat(key, table, request, await control.store.row(table, key) if key else None)


class JobMaking:
    """The operations that make jobs."""

    def __init__(self, control: Control, routes: Routes) -> None:
        self._control = control
        self._routes = routes
        shipped = json.loads((files("finetune") / "base_models.json").read_bytes())
        self._defaults: dict[str, str] = shipped["defaults"]

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "POST",
                JOBS,
                Action.RUN_JOBS,
                self.make,
                JobPost,
                JobView,
                statuses=(201,),
                parameters=(IDEMPOTENCY_KEY,),
                errors=_ERRORS,
            ),
            AdminRoute(
                "POST",
                JOB + "/recreate",
                Action.RUN_JOBS,
                self.recreate,
                RecreatePost,
                JobView,
                statuses=(201,),
                parameters=(IDEMPOTENCY_KEY,),
                errors=(*_ERRORS, "job_not_found", "dataset_missing"),
            ),
        ]

    async def make(self, asked: Asked) -> Answered:
        """Makes a fine-tune job of the tenant's Vault.

        It is `queued`; a worker takes it from there to `ready`.
        """
        return await self._make(asked, "job.make", None)

    async def recreate(self, asked: Asked) -> Answered:
        """Makes a job of the same data set on another base model.

        For when the old base model is retired. The Vault is not read again.
        """
        return await self._make(asked, "job.recreate", asked.path["job_id"])

    async def _make(self, asked: Asked, action: str, source: str | None) -> Answered:
        async def plan() -> Plan[JobView]:
            tenant, row = await self._control.tenant(asked.tenant)
            repeat = await repeat_of(self._control, asked)
            again = repeat.known()
            if again is not None:
                return again
            job = self.job(asked, asked.body, tenant) if source is None else await self._anew(asked, tenant)
            view = views.job(job, tenant)
            writes = [*records.creation(job), tenant_kept(asked.tenant, row), *repeat.writes(view)]
            words = f"The job {job.label!r} was made" + (f", of what {source} was trained on." if source else ".")
            line = records.note(job.id, "queued", words)
            return Plan(writes, view, None, msgspec.to_builtins(view), (line,))

        changed = await self._control.change(asked.actor, action, asked.tenant, plan)
        await records.wake(self._control.store, asked.tenant, changed.result.id)
        return Answered(changed.result, 201, changed)

    def job(self, asked: Asked, body: JobPost, tenant: TenantRow) -> Job:
        """The job that a body asks for, not stored yet. Raises GatewayError."""
        if body.provider is not None and body.provider not in tenant.providers:
            raise GatewayError("provider_not_configured", f"The tenant has no provider {body.provider!r}.", "provider")
        provider = body.provider or tenant.default_provider or ""
        base_model = body.base_model or self._defaults.get(body.backend, "")
        if not provider and body.backend == "openai":
            raise GatewayError("provider_not_configured", "The tenant has no provider yet.", "provider")
        _check_kind(body.backend, tenant, provider)
        if self._routes.is_foreign(asked.tenant, provider, base_model):
            raise GatewayError("model_not_found", param="base_model")
        now = self._control.now()
        hyperparameters: dict[str, Any] = msgspec.to_builtins(body.hyperparameters)
        return Job(
            id=records.new_id("job"),
            tenant=asked.tenant,
            uid=records.new_id("uid"),
            label=body.label,
            backend=body.backend,
            provider=provider,
            base_model=base_model,
            status="queued",
            created_by=asked.caller.key_id,
            created_at=now,
            updated_at=now,
            since=now,
            hyperparameters=hyperparameters,
            options=msgspec.to_builtins(body.options),
            consent=_consent(body.options, asked.caller.key_id, now),
        )

    async def _anew(self, asked: Asked, tenant: TenantRow) -> Job:
        """The job that a recreation makes. Raises GatewayError."""
        body: RecreatePost = asked.body
        _, found = await stored(self._control, asked)
        old = found.job
        if old.dataset is None or old.artifact_ended:
            words = "What this job was trained on is not kept here, so no job can be made from it."
            raise GatewayError("dataset_missing", words)
        post = JobPost(
            label=body.label if body.label is not None else old.label,
            backend=msgspec.convert(old.backend, type=JobPost.__annotations__["backend"]),
            provider=body.provider or old.provider,
            base_model=body.base_model,
        )
        fresh = self.job(asked, post, tenant)
        given = body.hyperparameters
        return replace(
            fresh,
            hyperparameters=msgspec.to_builtins(given) if given is not None else old.hyperparameters,
            options=msgspec.to_builtins(body.options) if body.options is not None else old.options,
            consent=old.consent,
            source_job=old.id,
        )


def _consent(options: JobOptions, key_id: str, now: str) -> Consent | None:
    """Who agreed to the teacher. Raises GatewayError where a teacher is asked for and nobody did."""
    if options.writer != "teacher":
        return None
    if not options.teacher_consent:
        words = (
            "A teacher is the provider's stock model, which would see the Vault's documents. Set "
            "`options.teacher_consent` to true if the firm agrees to that."
        )
        raise GatewayError("teacher_consent_required", words, "options.teacher_consent")
    return Consent(key_id, now)


def _check_kind(backend: str, tenant: TenantRow, provider: str) -> None:
    """The job manager's `openai` backend speaks the OpenAI API, so the provider must. Raises GatewayError."""
    row = tenant.providers.get(provider)
    if backend == "openai" and row is not None and row.kind not in OPENAI_KINDS:
        words = f"The provider {provider!r} does not speak the OpenAI API, as the backend needs."
        raise GatewayError("invalid_field", words, "provider")
