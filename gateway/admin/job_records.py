"""What a job leaves for its readers: timeline, training curve, examples, manifest; and which jobs saw a document."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from finetune import records
from finetune.curves import Point
from finetune.dataset import DatasetMissing, find_document, read_examples, read_manifest
from finetune.dataset.values import Example, Manifest
from finetune.records import artifact_of
from finetune.values import Job
from gateway import threads
from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute, Answered, Asked, Operation
from gateway.admin.jobs import JOB, JOB_ID, stored
from gateway.admin.parameters import LIMIT, PAGE, Parameter
from gateway.admin.schemas import LineageView, ListView
from gateway.errors import GatewayError
from gateway.store.rows import TenantRow
from policies.access import Action

T = TypeVar("T")

_DOCUMENT = Parameter("document_id", "The document, as the Vault names it.", required=True)


class JobRecords:
    """Reads only."""

    def __init__(self, control: Control, artifacts_url: str) -> None:
        self._control = control
        self._artifacts = artifacts_url

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            _of_job("/events", self.events, ListView[records.Event], PAGE),
            _of_job("/metrics", self.metrics, ListView[Point]),
            _of_job("/examples", self.examples, ListView[Example], (LIMIT,), ("not_found",)),
            _of_job("/manifest", self.manifest, Manifest, (), ("not_found",)),
            AdminRoute(
                "GET",
                "/tenants/{tenant}/lineage",
                Action.RUN_JOBS,
                self.lineage,
                answer=ListView[LineageView],
                parameters=(_DOCUMENT, *PAGE),
            ),
        ]

    async def events(self, asked: Asked) -> Answered:
        """Shows a job's timeline, oldest first."""
        await stored(self._control, asked)
        job_id = asked.path["job_id"]
        events, cursor = await records.timeline(self._control.store, job_id, asked.limit, asked.stream_cursor)
        return Answered(ListView(events, cursor))

    async def metrics(self, asked: Asked) -> Answered:
        """Shows a job's training curve by step, all of it."""
        await stored(self._control, asked)
        points, _ = await records.curve(self._control.store, asked.tenant, asked.path["job_id"])
        return Answered(ListView(points))

    async def examples(self, asked: Asked) -> Answered:
        """Shows a sample of a job's training pairs; it is empty before the Vault has been read."""
        _, found = await stored(self._control, asked)
        if found.job.dataset is None:
            return Answered(ListView([]))
        folder = artifact_of(self._artifacts, found.job)
        return Answered(ListView(list(await _artifact(read_examples, folder, asked.limit))))

    async def manifest(self, asked: Asked) -> Answered:
        """Shows what a job was trained on."""
        _, found = await stored(self._control, asked)
        if found.job.dataset is None:
            raise GatewayError("not_found", "The Vault has not been read for this job yet.")
        return Answered(await _artifact(read_manifest, artifact_of(self._artifacts, found.job)))

    async def lineage(self, asked: Asked) -> Answered:
        """Lists the jobs whose training saw a document, newest first.

        A page may hold fewer jobs than `limit` and lead on all the same.
        """
        document = asked.query.get("document_id")
        if not document:
            raise GatewayError("invalid_field", "Say which document: ?document_id=…", "document_id")
        tenant, _ = await self._control.tenant(asked.tenant)
        jobs, cursor = await records.page(self._control.store, asked.tenant, asked.limit, asked.cursor(JOB_ID))
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


def _of_job(
    path: str, operation: Operation, answer: Any, parameters: tuple[Parameter, ...] = (), errors: tuple[str, ...] = ()
) -> AdminRoute:
    return AdminRoute(
        "GET",
        JOB + path,
        Action.RUN_JOBS,
        operation,
        answer=answer,
        parameters=parameters,
        errors=("job_not_found", *errors),
    )


async def _artifact(read: Callable[..., T], *arguments: Any) -> T:
    """What `read` finds, read in a thread. Raises GatewayError `not_found` where the artifact's time has ended."""
    try:
        return await threads.reading(partial(read, *arguments))
    except DatasetMissing:
        raise GatewayError("not_found", "What this job was trained on is no longer kept.") from None
