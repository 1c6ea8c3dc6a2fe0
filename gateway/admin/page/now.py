"""What is on now: which model answers the tenant's calls, since when, by whom, how far, and what that comes to.

Read by the API's operations, put into words by `banner`, which is pure.
"""

from collections import OrderedDict

from msgspec import Struct

from gateway.admin.changes import Control
from gateway.admin.page import words
from gateway.admin.page.calling import Api
from gateway.admin.page.rendering import share
from gateway.admin.page.visiting import Visit
from gateway.admin.schemas import ActivationView, JobView, TenantView
from gateway.audit import AuditRecord
from gateway.errors import GatewayError
from gateway.replicas import Propagation, acknowledged

TENANT = "/tenants/{tenant}"
JOB = "/tenants/{tenant}/jobs/{job_id}"
_MOST_FLIPS = 1000


class Flip(Struct, frozen=True):
    """Who said last which model answers, and when (RFC 3339 UTC)."""

    by: str
    at: str


class Now(Struct, frozen=True):
    """All that the banner needs. `job`: the active one; `flip`: None where nobody ever said so, or it is forgotten."""

    tenant: TenantView
    job: JobView | None
    flip: Flip | None
    reach: Propagation


class Banner(Struct, frozen=True):
    """The banner's words. `tone`: `own` or `stock`; `model` as the provider names it; `hints`: why less is answered by
    the model than its admin may expect."""

    tone: str
    title: str
    text: str
    model: str | None
    share: str | None
    flip: Flip | None
    reach: str
    recent: str
    hints: tuple[str, ...]


class Reading:
    """Reads what is on now."""

    def __init__(self, api: Api, control: Control) -> None:
        self._api = api
        self._control = control
        self._flips: OrderedDict[tuple[str, int], Flip | None] = OrderedDict()

    async def now(self, visit: Visit) -> Now:
        """The tenant as it is. Raises GatewayError, StoreUnavailable."""
        tenant: TenantView = (await self._api.ask(visit.visitor, "GET", TENANT, visit.names)).body
        job = await self._job(visit, tenant.active_job) if tenant.active_job else None
        flip = await self._flip(visit, tenant)
        reach = await acknowledged(self._control.store, tenant.revision, seconds=0)
        return Now(tenant, job, flip, reach)

    async def _job(self, visit: Visit, job_id: str) -> JobView | None:
        names = {"tenant": visit.tenant, "job_id": job_id}
        try:
            job: JobView = (await self._api.ask(visit.visitor, "GET", JOB, names)).body
        except GatewayError:
            return None  # it was erased; its model answers on
        return job

    async def _flip(self, visit: Visit, tenant: TenantView) -> Flip | None:
        """From the audit log, which is long: read once for each revision of the tenant."""
        place = (tenant.id, tenant.revision)
        if place in self._flips:
            self._flips.move_to_end(place)
            return self._flips[place]
        action = "activate" if tenant.active_job else "stock"
        query = {"action": action, "limit": "1"}
        answered = await self._api.ask(visit.visitor, "GET", TENANT + "/audit", visit.names, query=query)
        found: list[AuditRecord] = answered.body.items
        flip = Flip(words.who(found[0].actor.id, found[0].actor.label), found[0].time) if found else None
        self._flips[place] = flip
        if len(self._flips) > _MOST_FLIPS:
            self._flips.popitem(last=False)
        return flip


def banner(now: Now) -> Banner:
    """What is on now, in words."""
    tenant, reach = now.tenant, now.reach
    calls = tenant.recent.calls
    on = f"{reach.acknowledged} of {reach.replicas} {'replica' if reach.replicas == 1 else 'replicas'}"
    if tenant.active_job is None:
        return Banner(
            tone="stock",
            title="The stock model answers",
            text="No model of the firm’s own is active. Every call gets the model that it asks for.",
            model=None,
            share=None,
            flip=now.flip,
            reach=on,
            recent=f"{calls:,} {'call' if calls == 1 else 'calls'}",
            hints=tuple(_reach_hints(reach)),
        )
    label = now.job.label if now.job is not None and now.job.label else tenant.active_job
    return Banner(
        tone="own",
        title=f"“{label}” answers",
        text="The firm’s own model answers calls that ask for the default model."
        if tenant.rule == "default_only"
        else "The firm’s own model answers calls, whichever model they ask for.",
        model=tenant.model,
        share=share(tenant.share),
        flip=now.flip,
        reach=on,
        recent=f"{tenant.recent.fine_tuned:,} of {calls:,} calls",
        hints=(*_hints(tenant), *_reach_hints(reach)),
    )


def _hints(tenant: TenantView) -> list[str]:
    recent = tenant.recent
    hints = []
    if tenant.suspended:
        hints.append("The firm is suspended: its calls are refused.")
    if tenant.rule == "off":
        hints.append("The rule is off, so every call stays with the stock model.")
    elif recent.calls and not recent.fine_tuned:
        hints.append(
            f"0 of {recent.calls:,}: the Assistant asks for another model; change the rule or the default model."
        )
    return hints


def _reach_hints(reach: Propagation) -> list[str]:
    hints = []
    if reach.acknowledged < reach.replicas:
        hints.append("Not every replica has it yet; the rest follows within seconds.")
    if reach.unreachable:
        are = "replica is" if reach.unreachable == 1 else "replicas are"
        hints.append(f"{reach.unreachable} {are} out of reach and may still answer as before.")
    return hints


def in_force(activation: ActivationView) -> str:
    """How far an activation had come when it was answered."""
    replicas = "replica" if activation.replicas == 1 else "replicas"
    reached = f"In force on {activation.acknowledged} of {activation.replicas} {replicas}"
    return f"{reached} after {activation.propagation_ms:.0f} ms."
