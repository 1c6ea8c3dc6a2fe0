"""What a job leaves for its readers: timeline, training curve, examples, manifest; and which jobs saw a document."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from finetune import records
from finetune.dataset import DatasetMissing, find_document, read_examples, read_manifest
from finetune.records import artifact_of
from finetune.values import Job
from gateway import threads
from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.jobs import JOB, stored
from gateway.admin.schemas import LineageView, ListView
from gateway.errors import GatewayError
from gateway.store.rows import TenantRow
from policies.access import Action

T = TypeVar("T")


class JobRecords:
    """Reads only."""

    def __init__(self, control: Control, artifacts_url: str) -> None:
        self._control = control
        self._artifacts = artifacts_url

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute("GET", JOB + "/events", Action.RUN_JOBS, self.events),
            AdminRoute("GET", JOB + "/metrics", Action.RUN_JOBS, self.metrics),
            AdminRoute("GET", JOB + "/examples", Action.RUN_JOBS, self.examples),
            AdminRoute("GET", JOB + "/manifest", Action.RUN_JOBS, self.manifest),
            AdminRoute("GET", "/tenants/{tenant}/lineage", Action.RUN_JOBS, self.lineage),
        ]

    async def events(self, asked: Asked) -> Answered:
        """The job's timeline, oldest first."""
        await stored(self._control, asked)
        job_id = asked.path["job_id"]
        events, cursor = await records.timeline(self._control.store, job_id, asked.limit, asked.stream_cursor)
        return Answered(ListView(events, cursor))

    async def metrics(self, asked: Asked) -> Answered:
        """The training curve, by step: all of it, since it is kept short."""
        await stored(self._control, asked)
        points, _ = await records.curve(self._control.store, asked.tenant, asked.path["job_id"])
        return Answered(ListView(points))

    async def examples(self, asked: Asked) -> Answered:
        """A sample of the training pairs; empty before the snapshot."""
        _, found = await stored(self._control, asked)
        if found.job.dataset is None:
            return Answered(ListView([]))
        folder = artifact_of(self._artifacts, found.job)
        return Answered(ListView(list(await _artifact(read_examples, folder, asked.limit))))

    async def manifest(self, asked: Asked) -> Answered:
        """What the job was trained on."""
        _, found = await stored(self._control, asked)
        if found.job.dataset is None:
            raise GatewayError("not_found", "The Vault has not been read for this job yet.")
        return Answered(await _artifact(read_manifest, artifact_of(self._artifacts, found.job)))

    async def lineage(self, asked: Asked) -> Answered:
        """The jobs whose training saw a document, newest first."""
        document = asked.query.get("document_id")
        if not document:
            raise GatewayError("invalid_field", "Say which document: ?document_id=…", "document_id")
        tenant, _ = await self._control.tenant(asked.tenant)
        jobs, cursor = await records.page(self._control.store, asked.tenant, asked.limit, asked.cursor)
        trained = [job for job in jobs if job.provider_job_id is not None and job.dataset is not None]
        shown = [await self._saw(job, tenant, document) for job in trained]
        return Answered(ListView([view for view in shown if view.chunks != 0], cursor))

    async def _saw(self, job: Job, tenant: TenantRow, document: str) -> LineageView:
        chunks: int | None
        try:
            chunks = await threads.reading(partial(find_document, artifact_of(self._artifacts, job), document))
        except (DatasetMissing, FileNotFoundError):  # ended, or written before documents were listed
            chunks = None
        active = tenant.active is not None and tenant.active.job_id == job.id
        return LineageView(job.id, job.label, job.status, active, job.fine_tuned_model, job.created_at, chunks)


async def _artifact(read: Callable[..., T], *arguments: Any) -> T:
    """What `read` finds, read in a thread. Raises GatewayError `not_found` where the artifact's time has ended."""
    try:
        return await threads.reading(partial(read, *arguments))
    except DatasetMissing:
        raise GatewayError("not_found", "What this job was trained on is no longer kept.") from None
