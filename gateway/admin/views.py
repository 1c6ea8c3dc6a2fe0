"""The store's rows as the admin API shows them. Values in, values out; no secret gets past here."""

from typing import Any

from finetune.records import Progress
from finetune.values import Job, Notice
from finetune.vaults import Tally
from gateway.admin.changes import Changed
from gateway.admin.schemas import (
    ActivationView,
    BadRecordView,
    JobView,
    KeyView,
    ProviderView,
    Recent,
    ReplicaView,
    TenantView,
    VaultTestView,
    VaultView,
)
from gateway.replicas import LIVE_MS, Propagation
from gateway.store.connection import Census
from gateway.store.rows import KeyRow, ProviderRow, TenantRow, VaultRow
from gateway.timestamps import from_milliseconds


def tenant(row: TenantRow, revision: int, recent: Recent) -> TenantView:
    """The contract's Tenant."""
    return TenantView(
        id=row.tenant,
        name=row.name,
        rule=row.rule,
        fallback=row.fallback,
        suspended=row.suspended,
        allowed_paths=row.allowed_paths,
        default_provider=row.default_provider,
        active_job=row.active.job_id if row.active else None,
        share=row.active.share if row.active else 1.0,
        model=row.active_model,
        cost_limit_usd=row.cost_limit_usd,
        revision=revision,
        recent=recent,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def provider(name: str, row: ProviderRow, *, is_default: bool) -> ProviderView:
    """A provider, its secret as a hint."""
    return ProviderView(name, row.kind, row.base_url, row.default_model, is_default, row.options, row.api_key_hint)


def key(row: KeyRow, last_used_at: str | None = None) -> KeyView:
    """A key, without itself or its hash."""
    return KeyView(row.id, row.role, row.label, row.tenant, row.created_at, row.expires_at, last_used_at)


def vault(row: VaultRow) -> VaultView:
    """A Vault, what is secret of it masked. Its URL has no password; a user is none."""
    options = {**row.options, **dict.fromkeys(sorted(row.sealed), "***")}
    return VaultView(row.url, row.ready_chunks, row.other_chunks, options)


def vault_test(url: str, tally: Tally, *, complete: bool) -> VaultTestView:
    """What was counted in a Vault that is not saved."""
    counted, first = tally.count, tally.first_bad
    return VaultTestView(
        url=url,
        ready_chunks=counted.ready_chunks,
        other_chunks=counted.other_chunks,
        complete=complete,
        other_statuses=tally.statuses,
        bad_records=tally.bad,
        first_bad_record=BadRecordView(first.place, first.reason) if first else None,
    )


def job(row: Job, tenant_row: TenantRow, progress: Progress | None = None) -> JobView:
    """The contract's Job, and how far it is."""
    return JobView(
        id=row.id,
        tenant=row.tenant,
        label=row.label,
        backend=row.backend,
        provider=row.provider,
        base_model=row.base_model,
        status=row.status,
        progress=progress if row.finished_at is None else None,
        is_active=tenant_row.active is not None and tenant_row.active.job_id == row.id,
        fine_tuned_model=row.fine_tuned_model,
        provider_job_id=row.provider_job_id,
        error=row.error,
        warnings=row.warnings,
        dataset=row.dataset,
        checkpoints=row.checkpoints,
        hyperparameters=row.hyperparameters,
        options=row.options,
        source_job=row.source_job,
        imported=row.imported,
        consent=row.consent,
        trained_tokens=row.trained_tokens,
        estimated_cost_usd=row.estimated_cost_usd,
        retires_at=row.retires_at,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
    )


def activation(row: TenantRow, deactivated: tuple[str, ...], changed: Changed[Any]) -> ActivationView:
    """The contract's Activation."""
    reached = changed.propagation
    return ActivationView(
        tenant=row.tenant,
        active_job=row.active.job_id if row.active else None,
        model=row.active_model,
        share=row.active.share if row.active else 1.0,
        revision=changed.revision,
        deactivated=deactivated,
        replicas=reached.replicas,
        acknowledged=reached.acknowledged,
        unreachable=reached.unreachable,
        propagation_ms=reached.milliseconds,
        durable=changed.durable,
        warnings=tuple(_warnings(row, reached)),
    )


def replica(seen: Census) -> ReplicaView:
    """The contract's replica."""
    return ReplicaView(seen.id, seen.age_ms <= LIVE_MS, seen.revision, from_milliseconds(seen.seen_ms), seen.version)


def _warnings(row: TenantRow, reached: Propagation) -> list[Notice]:
    """What keeps this activation from doing what the admin expects of it."""
    found: list[Notice] = []
    if row.active and row.rule == "off":
        found.append(Notice("rule_off", "The tenant's rule is `off`: its calls stay with the stock model."))
    if row.suspended:
        found.append(Notice("tenant_suspended", "The tenant is suspended: its calls are refused."))
    if reached.replicas == 0 or reached.acknowledged < reached.replicas:
        words = f"Of {reached.replicas} live replicas, {reached.acknowledged} had applied the change in time."
        found.append(Notice("not_acknowledged", words))
    return found
