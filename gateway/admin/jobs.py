"""Fine-tune jobs as an admin sees them: made, followed, cancelled. What makes a job go on is the worker's."""

import hashlib
import json
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from finetune import records, states
from finetune.dataset import DatasetMissing, read_examples, read_manifest
from finetune.records import Stored, artifact_of
from finetune.values import Job, encode
from gateway import threads
from gateway.admin import views
from gateway.admin.changes import Control, Plan, tenant_kept
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import Empty, JobPost, JobView, ListView
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.store import keys
from gateway.store.connection import COMPARE, Write
from gateway.store.rows import TenantRow
from policies.access import Action

T = TypeVar("T")

# The kinds whose fine-tuning API is OpenAI's own.
_OPENAI_KINDS = frozenset({"openai", "openai_compatible"})

_TICK_SECONDS = 10.0
_MAX_IDEMPOTENCY_KEY = 255


class _FirstAnswer(Struct):
    """What an Idempotency-Key was answered with, and the request that it was used for."""

    request: str
    answer: JobView


class Jobs:
    """The operations on jobs."""

    def __init__(self, control: Control, routes: Routes, artifacts_url: str) -> None:
        self._control = control
        self._routes = routes
        self._artifacts = artifacts_url
        shipped = json.loads((files("finetune") / "base_models.json").read_bytes())
        self._defaults: dict[str, str] = shipped["defaults"]

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        jobs, job = "/tenants/{tenant}/jobs", "/tenants/{tenant}/jobs/{job_id:job}"
        return [
            AdminRoute("POST", jobs, Action.RUN_JOBS, self.make, JobPost),
            AdminRoute("GET", jobs, Action.RUN_JOBS, self.list),
            AdminRoute("GET", job, Action.RUN_JOBS, self.read),
            AdminRoute("GET", job + "/events", Action.RUN_JOBS, self.events),
            AdminRoute("GET", job + "/examples", Action.RUN_JOBS, self.examples),
            AdminRoute("GET", job + "/manifest", Action.RUN_JOBS, self.manifest),
            AdminRoute("POST", job + "/refresh", Action.RUN_JOBS, self.refresh, Empty),
            AdminRoute("POST", job + "/cancel", Action.RUN_JOBS, self.cancel, Empty),
        ]

    async def make(self, asked: Asked) -> Answered:
        """Makes a job; with an Idempotency-Key, a repeat gets the first answer."""
        body: JobPost = asked.body
        repeat = asked.headers.get("idempotency-key")
        if repeat and len(repeat) > _MAX_IDEMPOTENCY_KEY:
            raise GatewayError("invalid_field", f"An Idempotency-Key has at most {_MAX_IDEMPOTENCY_KEY} characters.")
        request = hashlib.sha256(msgspec.json.encode(body)).hexdigest()
        table = keys.first_answers_of(asked.tenant)

        async def plan() -> Plan[JobView]:
            tenant, row = await self._control.tenant(asked.tenant)
            first = await self._control.store.row(table, repeat) if repeat else None
            if repeat and first is not None:
                known = msgspec.json.decode(first.body, type=_FirstAnswer)
                if known.request != request:
                    raise GatewayError("idempotency_key_reused")
                return Plan([Write(table, repeat, first, COMPARE)], known.answer)
            job = self._job(asked, body, tenant)
            view = views.job(job, tenant)
            writes = [*records.creation(job), tenant_kept(asked.tenant, row)]
            if repeat:
                writes.append(Write(table, repeat, None, msgspec.json.encode(_FirstAnswer(request, view))))
            line = records.note(job.id, "queued", f"The job {job.label!r} was made.")
            return Plan(writes, view, None, msgspec.to_builtins(view), (line,))

        changed = await self._control.change(asked.actor, "job.make", asked.tenant, plan)
        await records.wake(self._control.store, asked.tenant, changed.result.id)
        return Answered(changed.result, 201, changed)

    async def list(self, asked: Asked) -> Answered:
        """Jobs, newest first."""
        tenant, _ = await self._control.tenant(asked.tenant)
        jobs, cursor = await records.page(self._control.store, asked.tenant, asked.limit, asked.cursor)
        return Answered(ListView([views.job(job, tenant) for job in jobs], cursor))

    async def read(self, asked: Asked) -> Answered:
        """One job."""
        tenant, stored = await self._stored(asked)
        return Answered(views.job(stored.job, tenant))

    async def events(self, asked: Asked) -> Answered:
        """The job's timeline, oldest first."""
        await self._stored(asked)
        job_id = asked.path["job_id"]
        events, cursor = await records.timeline(self._control.store, job_id, asked.limit, asked.stream_cursor)
        return Answered(ListView(events, cursor))

    async def examples(self, asked: Asked) -> Answered:
        """A sample of the training pairs; empty before the snapshot."""
        _, stored = await self._stored(asked)
        if stored.job.dataset is None:
            return Answered(ListView([]))
        folder = artifact_of(self._artifacts, stored.job)
        return Answered(ListView(list(await _artifact(read_examples, folder, asked.limit))))

    async def manifest(self, asked: Asked) -> Answered:
        """What the job was trained on."""
        _, stored = await self._stored(asked)
        if stored.job.dataset is None:
            raise GatewayError("not_found", "The Vault has not been read for this job yet.")
        return Answered(await _artifact(read_manifest, artifact_of(self._artifacts, stored.job)))

    async def refresh(self, asked: Asked) -> Answered:
        """Has the provider polled now, and answers what it said."""
        tenant, stored = await self._stored(asked)
        if not states.is_final(stored.job):
            stored = await self._ticked(asked) or stored
        return Answered(views.job(stored.job, tenant))

    async def cancel(self, asked: Asked) -> Answered:
        """Ends the job, at the provider too."""

        async def plan() -> Plan[TenantRow]:
            tenant, stored = await self._stored(asked)
            job = stored.job
            if job.status == "cancelled" or job.cancel_requested:
                return Plan([Write(keys.jobs_of(asked.tenant), job.id, stored.row, COMPARE)], tenant)
            if states.is_final(job):
                raise GatewayError("job_finished")
            after = replace(job, cancel_requested=True, updated_at=self._control.now())
            line = records.note(
                job.id, "cancel", f"{asked.caller.label or asked.caller.key_id} asked for the job's end."
            )
            writes = [Write(keys.jobs_of(asked.tenant), job.id, stored.row, encode(after))]
            return Plan(writes, tenant, {"status": job.status}, {"cancel_requested": True}, (line,))

        changed = await self._control.change(asked.actor, "job.cancel", asked.tenant, plan)
        stored = await self._ticked(asked)
        if stored is None:
            raise GatewayError("job_not_found")
        return Answered(views.job(stored.job, changed.result), 200, changed)

    async def _ticked(self, asked: Asked) -> Stored | None:
        """The job after a worker looked at it, or as it is where none does in time."""
        since = time.time()
        job_id = asked.path["job_id"]
        await records.wake(self._control.store, asked.tenant, job_id)
        return await records.ticked_since(self._control.store, asked.tenant, job_id, since, _TICK_SECONDS)

    async def _stored(self, asked: Asked) -> tuple[TenantRow, Stored]:
        tenant, _ = await self._control.tenant(asked.tenant)
        stored = await records.load(self._control.store, asked.tenant, asked.path["job_id"])
        if stored is None:
            raise GatewayError("job_not_found")
        return tenant, stored

    def _job(self, asked: Asked, body: JobPost, tenant: TenantRow) -> Job:
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
            hyperparameters=hyperparameters,
            options=msgspec.to_builtins(body.options),
        )


async def _artifact(read: Callable[..., T], *arguments: Any) -> T:
    """What `read` finds, read in a thread. Raises GatewayError `not_found` where the artifact's time has ended."""
    try:
        return await threads.reading(partial(read, *arguments))
    except DatasetMissing:
        raise GatewayError("not_found", "What this job was trained on is no longer kept.") from None


def _check_kind(backend: str, tenant: TenantRow, provider: str) -> None:
    """The job manager's `openai` backend speaks the OpenAI API, so the provider must. Raises GatewayError."""
    row = tenant.providers.get(provider)
    if backend == "openai" and row is not None and row.kind not in _OPENAI_KINDS:
        words = f"The provider {provider!r} does not speak the OpenAI API, as the backend needs."
        raise GatewayError("invalid_field", words, "provider")
