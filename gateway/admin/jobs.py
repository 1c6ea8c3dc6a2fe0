"""Fine-tune jobs as an admin sees them: listed, followed, ended. What makes a job go on is the worker's.

How one is made is in `job_making.py`, what it leaves for its readers in `job_records.py`.
"""

import re
import time

from msgspec.structs import replace

from finetune import records, states
from finetune.records import Stored
from finetune.values import encode
from gateway.admin import views
from gateway.admin.changes import Control, Plan
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.parameters import PAGE
from gateway.admin.schemas import Empty, JobView, ListView
from gateway.errors import GatewayError
from gateway.store import keys
from gateway.store.connection import COMPARE, Write
from gateway.store.rows import TenantRow
from policies.access import Action

JOBS = "/tenants/{tenant}/jobs"
JOB = "/tenants/{tenant}/jobs/{job_id:job}"

JOB_ID = re.compile(r"job_[0-9a-f]{1,64}")

_TICK_SECONDS = 10.0


class Jobs:
    """The operations on jobs that are there."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute("GET", JOBS, Action.RUN_JOBS, self.list, answer=ListView[JobView], parameters=PAGE),
            AdminRoute("GET", JOB, Action.RUN_JOBS, self.read, answer=JobView, errors=("job_not_found",)),
            AdminRoute(
                "POST",
                JOB + "/refresh",
                Action.RUN_JOBS,
                self.refresh,
                Empty,
                JobView,
                errors=("job_not_found",),
                reads=True,
            ),
            AdminRoute(
                "POST",
                JOB + "/cancel",
                Action.RUN_JOBS,
                self.cancel,
                Empty,
                JobView,
                errors=("job_not_found", "job_finished"),
            ),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Lists fine-tune jobs, newest first."""
        tenant, _ = await self._control.tenant(asked.tenant)
        store = self._control.store
        jobs, cursor = await records.page(store, asked.tenant, asked.limit, asked.cursor(JOB_ID))
        come = await records.progress(store, [job.id for job in jobs if not states.is_final(job)])
        return Answered(ListView([views.job(job, tenant, come.get(job.id)) for job in jobs], cursor))

    async def read(self, asked: Asked) -> Answered:
        """Shows a fine-tune job."""
        tenant, found = await stored(self._control, asked)
        come = await records.progress(self._control.store, [found.job.id])
        return Answered(views.job(found.job, tenant, come.get(found.job.id)))

    async def refresh(self, asked: Asked) -> Answered:
        """Polls the provider now, and shows the job as it is then."""
        tenant, found = await stored(self._control, asked)
        if not states.is_final(found.job):
            found = await self._ticked(asked) or found
        return Answered(views.job(found.job, tenant))

    async def cancel(self, asked: Asked) -> Answered:
        """Cancels a job, at the provider too."""

        async def plan() -> Plan[TenantRow]:
            tenant, found = await stored(self._control, asked)
            job = found.job
            if job.status == "cancelled" or job.cancel_requested:
                return Plan([Write(keys.jobs_of(asked.tenant), job.id, found.row, COMPARE)], tenant)
            if states.is_final(job):
                raise GatewayError("job_finished")
            ended = replace(job, cancel_requested=True, updated_at=self._control.now())
            line = records.note(
                job.id, "cancel", f"{asked.caller.label or asked.caller.key_id} asked for the job's end."
            )
            writes = [Write(keys.jobs_of(asked.tenant), job.id, found.row, encode(ended))]
            before, after = {"job_id": job.id, "status": job.status}, {"job_id": job.id, "cancel_requested": True}
            return Plan(writes, tenant, before, after, (line,))

        changed = await self._control.change(asked.actor, "job.cancel", asked.tenant, plan)
        found = await self._ticked(asked)
        if found is None:
            raise GatewayError("job_not_found")
        return Answered(views.job(found.job, changed.result), 200, changed)

    async def _ticked(self, asked: Asked) -> Stored | None:
        """The job after a worker looked at it, or as it is where none does in time."""
        since = time.time()
        job_id = asked.path["job_id"]
        await records.wake(self._control.store, asked.tenant, job_id)
        return await records.ticked_since(self._control.store, asked.tenant, job_id, since, _TICK_SECONDS)


async def stored(control: Control, asked: Asked) -> tuple[TenantRow, Stored]:
    """The job that the path names, and its tenant. Raises GatewayError."""
    tenant, _ = await control.tenant(asked.tenant)
    found = await records.load(control.store, asked.tenant, asked.path["job_id"])
    if found is None:
        raise GatewayError("job_not_found")
    return tenant, found
