"""Applies a document by the admin API's own operations, each entry once: what is as it was last applied is left alone.

So a replica that starts again does not undo what an admin has done since. Every change carries its entry's mark in the
same commit: replicas that start together, or one that is killed on the way, end as one run would have. Nothing is
deleted here.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import structlog
from msgspec import Struct

from gateway.admin.changes import Changed, Control, Plan
from gateway.admin.handling import Answered, Asked
from gateway.admin.providers import Providers
from gateway.admin.schemas import ProviderPut, TenantPut
from gateway.admin.tenants import Tenants
from gateway.admin.vaults import Vaults
from gateway.bootstrap.document import Document, Entry, KeyEntry
from gateway.bootstrap.hashed_keys import HashedKeys, Holder, Revoked
from gateway.bootstrap.marks import Marks, Overtaken
from gateway.errors import GatewayError
from gateway.replicas import Propagation
from gateway.secrets import Keyring
from gateway.store import audits, keys
from gateway.store.audits import Actor
from gateway.store.connection import Conflict, Store, StoreUnavailable, Write
from gateway.store.rows import tenant_row
from gateway.upstream.addresses import Guard
from gateway.vault_opening import VaultOpener
from policies.values import Caller, Role

log = structlog.get_logger(__name__)

T = TypeVar("T")
Outcome = Literal["applied", "unchanged", "gone"]

_CALLER = Caller("bootstrap", Role.PLATFORM_ADMIN, None, "HOUSESTYLE_BOOTSTRAP")
_TRIES = 300
_ENTRY_SECONDS = 60.0
_NOBODY = Propagation(replicas=0, acknowledged=0, unreachable=0, milliseconds=0.0)


class Failure(Struct, frozen=True):
    """An entry that could not be applied, and why."""

    path: str
    cause: str


class Report(Struct, frozen=True):
    """How a run went, by the entries' paths. `gone`: a key revoked since, or what belongs to a tenant deleted since.

    `removed`: applied once, and not in the file any more. `revision`: a replica that has it has all that was applied.
    """

    applied: tuple[str, ...]
    unchanged: tuple[str, ...]
    gone: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[Failure, ...]
    revision: int


class _Marking(Control):
    """A way to the rows whose changes carry a mark. It waits for no replica: nobody was told that anything changed."""

    def __init__(self, store: Store, clock: Callable[[], str], mark: Write) -> None:
        super().__init__(store, clock)
        self.revision = 0
        self._mark = mark

    async def change(
        self, actor: Actor, action: str, tenant: str | None, plan: Callable[[], Awaitable[Plan[T]]]
    ) -> Changed[T]:
        """Plans and commits once. Raises Overtaken, what `plan` raises, StoreUnavailable."""
        planned = await plan()
        record = b""
        if not planned.stands:
            record = audits.encode(
                actor, time=self.now(), action=action, tenant=tenant, before=planned.before, after=planned.after
            )
        try:
            writes = [*planned.writes, self._mark]
            committed = await self.store.commit(writes, audit=record, tenant=tenant, notes=planned.notes)
        except Conflict:
            raise Overtaken from None
        self.revision = committed.revision
        return Changed(planned.result, committed.revision, committed.durable, _NOBODY)


class Applier:
    """Applies documents to a store. `holder` gives the id of the key that has a SHA-256, as this replica knows it.

    `at` is the path of the entry that is being applied. One that takes longer than `entry_seconds` has failed: a place
    that hangs (a dead mount) must not keep a replica from its calls.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], str],
        keyring: Keyring,
        guard: Guard,
        vaults: VaultOpener,
        holder: Holder,
        entry_seconds: float = _ENTRY_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keyring = keyring
        self._marks = Marks(store, keyring)
        self._guard = guard
        self._vaults = vaults
        self._holder = holder
        self._revision = 0
        self._entry_seconds = entry_seconds
        self.at = ""

    async def apply(self, document: Document) -> Report:
        """One whole run. Raises StoreUnavailable, after which another run goes on where this one ended."""
        outcomes: defaultdict[Outcome, list[str]] = defaultdict(list)
        failed: list[Failure] = []
        for entry in document.entries:
            self.at = entry.path
            try:
                async with asyncio.timeout(self._entry_seconds):
                    outcome = await self._settle(entry)
            except StoreUnavailable:
                raise
            except TimeoutError:
                cause = f"it did not end within {self._entry_seconds:g} seconds"
                log.error("bootstrap_entry_failed", path=entry.path, cause=cause)
                failed.append(Failure(entry.path, cause))
            except GatewayError as error:
                log.error("bootstrap_entry_failed", path=entry.path, code=error.code, cause=error.message)
                failed.append(Failure(entry.path, error.message))
            except Exception as error:  # one entry's trouble must not keep the others from being applied
                log.exception("bootstrap_entry_failed", path=entry.path)
                failed.append(Failure(entry.path, type(error).__name__))
            else:
                outcomes[outcome].append(entry.path)
                _say(outcome, entry.path)
        removed = await self._marks.absent(document)
        for path in removed:
            log.warning("bootstrap_entry_removed", path=path)
        return Report(
            applied=tuple(outcomes["applied"]),
            unchanged=tuple(outcomes["unchanged"]),
            gone=tuple(outcomes["gone"]),
            removed=removed,
            failed=tuple(failed),
            revision=self._revision,
        )

    async def _settle(self, entry: Entry) -> Outcome:
        for _ in range(_TRIES):
            try:
                return await self._try(entry)
            except Overtaken:
                await asyncio.sleep(random.uniform(0, 0.005))  # noqa: S311 - so that two do not meet again
        raise GatewayError("conflict")

    async def _try(self, entry: Entry) -> Outcome:
        mark = await self._marks.row(entry)
        if await self._is_gone(entry, applied_before=mark is not None):
            return "gone"
        if self._marks.says(mark, entry):
            await self._marks.renew(mark, entry)
            return "unchanged"
        control = _Marking(self._store, self._clock, self._marks.write(entry, mark))
        try:
            await self._operate(entry, control, applied_before=mark is not None)
        except Revoked:
            return "gone"
        self._revision = max(self._revision, control.revision)
        return "applied"

    async def _is_gone(self, entry: Entry, *, applied_before: bool) -> bool:
        """Whether what the entry is about was ended by an admin. A tenant's name is never given out again."""
        if entry.tenant:
            row = await self._store.row(keys.TENANTS, entry.tenant)
            if row is not None and tenant_row(row).deleted:
                return True
        is_key = isinstance(entry.body, KeyEntry)
        return is_key and applied_before and await self._store.row(keys.KEYS, entry.name) is None

    async def _operate(self, entry: Entry, control: Control, *, applied_before: bool) -> Answered:
        """The admin API's operation on an entry of this kind."""
        if isinstance(entry.body, TenantPut):
            return await Tenants(control).put(_asked(entry))
        if isinstance(entry.body, ProviderPut):
            return await Providers(control, self._keyring, self._guard).put(_asked(entry, provider=entry.name))
        if isinstance(entry.body, KeyEntry):
            operation = HashedKeys(control, self._holder, applied_before=applied_before)
            return await operation.put(_asked(entry, key=entry.name))
        return await Vaults(control, self._vaults).put(_asked(entry))


def _asked(entry: Entry, **path: str) -> Asked:
    return Asked(caller=_CALLER, tenant=entry.tenant, body=entry.body, path=path, query={}, headers={})


def _say(outcome: Outcome, path: str) -> None:
    if outcome == "applied":
        log.info("bootstrap_entry_applied", path=path)
    elif outcome == "gone":
        log.warning("bootstrap_entry_gone", path=path)
