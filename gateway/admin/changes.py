"""How a control-plane change is made: planned from what stands, committed whole, waited for on every replica.

A plan is a function of the store's rows; where somebody else was faster, it is made again from the new ones.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from gateway.errors import GatewayError
from gateway.replicas import Propagation, acknowledged
from gateway.store import audits, keys
from gateway.store.audits import Actor
from gateway.store.connection import COMPARE, Conflict, Note, Store, StoreUnavailable, Write
from gateway.store.rows import Row, TenantRow, tenant_row

T = TypeVar("T")

_TRIES = 300


class Plan(Struct, Generic[T], frozen=True):
    """A change: its writes, what the audit record shows before and after (no secrets), and the caller's result.

    One whose writes only compare changes nothing: all is as it was asked for already. The first of them is then the
    row that was asked for.
    """

    writes: list[Write]
    result: T
    before: Any = None
    after: Any = None
    notes: tuple[Note, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether there is nothing to change."""
        return all(write.after == COMPARE for write in self.writes)


class Changed(Struct, Generic[T], frozen=True):
    """A change that stands, made now or before."""

    result: T
    revision: int
    durable: bool
    propagation: Propagation

    def headers(self) -> dict[str, str]:
        """The contract's three headers."""
        return {
            "x-revision": str(self.revision),
            "x-replicas": str(self.propagation.replicas),
            "x-acknowledged": str(self.propagation.acknowledged),
        }


class Control:
    """The one way from the admin API to the store's rows. `on_propagated` hears how far each change had come."""

    def __init__(
        self, store: Store, clock: Callable[[], str], on_propagated: Callable[[Propagation], object] = lambda _: None
    ) -> None:
        self.store = store
        self.now = clock
        self._on_propagated = on_propagated

    async def tenant(self, name: str) -> tuple[TenantRow, Row]:
        """A tenant that is there. Raises GatewayError `tenant_not_found`, StoreUnavailable."""
        row = await self.store.row(keys.TENANTS, name)
        tenant = tenant_row(row) if row is not None else None
        if row is None or tenant is None or tenant.deleted:
            raise GatewayError("tenant_not_found", f"There is no tenant {name!r}.")
        return tenant, row

    async def change(
        self,
        actor: Actor,
        action: str,
        tenant: str | None,
        plan: Callable[[], Awaitable[Plan[T]]],
    ) -> Changed[T]:
        """Plans and commits until nobody else is faster, then waits as the contract's "Propagation" says.

        Where there is nothing to change, nothing is written, no audit record either; what stands is waited for all the
        same. Raises what `plan` raises, GatewayError `conflict`, StoreUnavailable.
        """
        for _ in range(_TRIES):
            planned = await plan()
            record = b"" if planned.stands else self._record(actor, action, tenant, planned)
            try:
                committed = await self.store.commit(planned.writes, audit=record, tenant=tenant, notes=planned.notes)
            except Conflict:
                await asyncio.sleep(random.uniform(0, 0.005))  # noqa: S311 - so that two do not meet again
                continue
            asked_for = planned.writes[0].before if planned.stands else None
            revision = asked_for.revision if asked_for else committed.revision
            propagation = await self.propagated(committed.revision)
            if not planned.stands:
                self._on_propagated(propagation)
            return Changed(planned.result, revision, committed.durable, propagation)
        raise GatewayError("conflict")

    async def noted(self, actor: Actor, action: str, tenant: str | None) -> None:
        """An audit record of what changes no row. Raises StoreUnavailable."""
        record = audits.encode(actor, time=self.now(), action=action, tenant=tenant, before=None, after=None)
        await self.store.commit([], audit=record, tenant=tenant)

    async def propagated(self, revision: int) -> Propagation:
        """How far the change has come. It stands, so a store that goes away now is no error: nobody acknowledged."""
        try:
            return await acknowledged(self.store, revision)
        except StoreUnavailable:
            return Propagation(replicas=1, acknowledged=0, unreachable=0, milliseconds=0.0)

    def _record(self, actor: Actor, action: str, tenant: str | None, plan: Plan[T]) -> bytes:
        return audits.encode(actor, time=self.now(), action=action, tenant=tenant, before=plan.before, after=plan.after)


def tenant_write(before: Row | None, after: TenantRow) -> Write:
    """The write that replaces a tenant's row."""
    return Write(keys.TENANTS, after.tenant, before, msgspec.json.encode(after))


def tenant_kept(tenant: str, row: Row) -> Write:
    """The condition that a tenant's row is what it was: changed by nobody meanwhile, not deleted."""
    return Write(keys.TENANTS, tenant, row, COMPARE)
