"""Audit records: what is kept of a control-plane change, and the reader of what is kept.

Records are written by the script that makes the change (`store/commit.lua`), whole with it or not at all. Nothing here
changes or deletes one; they end with their age alone.
"""

import time
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
from msgspec import Struct

from gateway.store import keys
from gateway.store.audits import Kept, Who
from gateway.store.connection import Store, translated
from gateway.timestamps import to_seconds

_PAGE = 200  # entries at once: reading them keeps the event loop from calls
_MOST_SCANNED = 20_000  # entries for one page of a list, however rare what is asked for
# A record's time is its gateway's, its id the store's: look from this long before to this long after.
_CLOCK_SKEW_MS = 3_600_000
_DAY_MS = 86_400_000


class AuditRecord(Struct, frozen=True):
    """A change that was made. `time` is RFC 3339 UTC; `before` and `after` hold no secrets.

    `tenant` is null where the platform's own was changed.
    `revision` is the one that the change made, or the one that stood when it changed nothing that replicas hold.
    """

    id: str
    time: str
    actor: Who
    address: str | None
    action: str
    tenant: str | None
    before: Any
    after: Any
    revision: int


class Wanted(Struct, frozen=True):
    """Which records are asked for. `actor` is a key's id; an `action` that ends in a dot stands for all that begin with
    it; `since` (inclusive) and `until` (exclusive) are seconds since the epoch."""

    actor: str | None = None
    action: str | None = None
    since: float | None = None
    until: float | None = None


class Page(Struct, frozen=True):
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: list[AuditRecord]
    next_cursor: str | None


_DECODER = msgspec.json.Decoder(Kept)


class AuditReader:
    """Answers the admin API's questions. What is older than `days` is not shown, be it still there or not."""

    def __init__(self, store: Store, days: int) -> None:
        self._store = store
        self._keep_ms = days * _DAY_MS

    async def page(
        self,
        tenant: str | None,
        wanted: Wanted,
        limit: int,
        cursor: str | None,
        most: int = _MOST_SCANNED,
    ) -> Page:
        """The newest `limit` wanted records older than `cursor`, of `tenant` or of all. Raises StoreUnavailable.

        After `most` entries the page ends with what was found, be it nothing; its cursor leads on.
        """
        found: list[AuditRecord] = []
        scanned = 0
        async for entries in self._newest_first(tenant, wanted, cursor):
            for entry_id, fields in entries:
                scanned += 1
                record = _record(entry_id, fields)
                if _matches(record, wanted):
                    if len(found) == limit:
                        return Page(found, found[-1].id)
                    found.append(record)
                if scanned == most:
                    return Page(found, record.id)
        return Page(found, None)

    async def all(self, tenant: str | None, wanted: Wanted, cursor: str | None) -> AsyncIterator[list[AuditRecord]]:
        """Every wanted record older than `cursor`, newest first, some at a time (or none). Raises StoreUnavailable."""
        async for entries in self._newest_first(tenant, wanted, cursor):
            records = [_record(entry_id, fields) for entry_id, fields in entries]
            yield [record for record in records if _matches(record, wanted)]

    async def _newest_first(
        self, tenant: str | None, wanted: Wanted, cursor: str | None
    ) -> AsyncIterator[list[tuple[bytes, dict[bytes, bytes]]]]:
        stream = keys.AUDIT if tenant is None else keys.audit_of(tenant)
        oldest = int(time.time() * 1000) - self._keep_ms
        if wanted.since is not None:
            oldest = max(oldest, int(wanted.since * 1000) - _CLOCK_SKEW_MS)
        start = f"{max(0, oldest)}-0"
        end = f"({cursor}" if cursor else "+"
        if wanted.until is not None:
            latest = max(0, int(wanted.until * 1000) + _CLOCK_SKEW_MS)
            end = _earlier(cursor, latest)
        while True:
            with translated():
                entries = await cast("Any", self._store.redis.xrevrange(stream, end, start, _PAGE))
            yield entries
            if len(entries) < _PAGE:
                return
            end = f"({entries[-1][0].decode()}"


def _earlier(cursor: str | None, latest: int) -> str:
    """Where a scan begins that starts below `cursor` and at no entry later than `latest`, in milliseconds."""
    if cursor is not None and int(cursor.partition("-")[0]) <= latest:
        return f"({cursor}"
    return str(latest)


def _record(entry_id: bytes, fields: dict[bytes, bytes]) -> AuditRecord:
    kept = _DECODER.decode(fields[b"record"])
    return AuditRecord(
        id=entry_id.decode(),
        time=kept.time,
        actor=kept.actor,
        address=kept.address,
        action=kept.action,
        tenant=kept.tenant,
        before=kept.before,
        after=kept.after,
        revision=int(fields[b"revision"]),
    )


def _matches(record: AuditRecord, wanted: Wanted) -> bool:
    if wanted.actor is not None and record.actor.id != wanted.actor:
        return False
    if wanted.action is not None and not _is_action(record.action, wanted.action):
        return False
    if wanted.since is None and wanted.until is None:
        return True
    seconds = to_seconds(record.time)
    return (wanted.since is None or seconds >= wanted.since) and (wanted.until is None or seconds < wanted.until)


def _is_action(action: str, wanted: str) -> bool:
    return action.startswith(wanted) if wanted.endswith(".") else action == wanted
