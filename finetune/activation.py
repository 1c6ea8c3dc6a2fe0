"""Which job is active: activate, a share, back to stock. Plans only: what must stand, and what is to be written.

At most one job of a tenant is active, since the tenant's one row names it; activating another replaces it in the
same write. Whoever commits a plan and finds a conflict makes it anew.
"""

from msgspec import Struct
from msgspec.structs import replace

from finetune.values import Job
from gateway.store.rows import ActiveRow, FineTuneRow, TenantRow


class NotReady(Exception):
    """The job has no model that could answer."""


class UnknownCheckpoint(Exception):
    """The job has no checkpoint of this name."""


class Plan(Struct, frozen=True):
    """The tenant's row as it will be, and the jobs that are active no longer."""

    tenant: TenantRow
    deactivated: tuple[str, ...]


def activate(tenant: TenantRow, job: Job, share: float, *, now: str, by: str, checkpoint: str | None = None) -> Plan:
    """`job` answers `share` of the tenant's calls from now on, or one of its checkpoints does, named by id or model.

    Raises NotReady, UnknownCheckpoint.
    """
    if job.status != "ready" or job.id not in tenant.fine_tunes:
        raise NotReady(job.status)
    chosen = _checkpoint(tenant.fine_tunes[job.id], checkpoint)
    return Plan(
        replace(
            tenant,
            active=ActiveRow(job.id, share, now, by, chosen),
            updated_at=now,
        ),
        _others(tenant, job.id),
    )


def stock(tenant: TenantRow, *, now: str) -> Plan:
    """Every job of the tenant is deactivated; none is deleted."""
    return Plan(replace(tenant, active=None, updated_at=now), _others(tenant, None))


def known(tenant: TenantRow, job: Job, sealed_account: str | None, *, now: str) -> TenantRow:
    """The tenant with `job`'s model known as its own, so that calls may name it. Raises NotReady."""
    if job.fine_tuned_model is None:
        raise NotReady(job.status)
    checkpoints = {kept.id: kept.model for kept in job.checkpoints}
    made = FineTuneRow(job.provider, job.fine_tuned_model, job.base_model, sealed_account, checkpoints, job.retires_at)
    return replace(tenant, fine_tunes={**tenant.fine_tunes, job.id: made}, updated_at=now)


def _checkpoint(made: FineTuneRow, name: str | None) -> str | None:
    if name is None or name == made.model:
        return None
    for checkpoint, model in made.checkpoints.items():
        if name in (checkpoint, model):
            return checkpoint
    raise UnknownCheckpoint(name)


def _others(tenant: TenantRow, job_id: str | None) -> tuple[str, ...]:
    return (tenant.active.job_id,) if tenant.active and tenant.active.job_id != job_id else ()
