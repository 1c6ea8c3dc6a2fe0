"""The audit log: who changed what, when and from where. Reads only; there is no route that alters a record."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute, Answered, Asked, Export
from gateway.admin.schemas import ListView
from gateway.admin.tenants import check_name
from gateway.audit import AuditReader, AuditRecord, Wanted
from policies.access import Action

JSON_LINES = "application/x-ndjson"


class Audit:
    """The operations on audit records: a tenant's, and the platform's with those of all tenants."""

    def __init__(self, control: Control, reader: AuditReader) -> None:
        self._control = control
        self._reader = reader

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute("GET", "/audit", Action.MANAGE_PLATFORM, self.list),
            AdminRoute("GET", "/tenants/{tenant}/audit", Action.READ_AUDIT, self.list),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Records, newest first: a page; or, where JSON lines are asked for, all of them.

        `actor` is a key's id; `action` a whole one, or the beginning of several up to its dot (`provider.`); `since` is
        inclusive, `until` exclusive. A page may hold fewer records than `limit` and lead on all the same, where what is
        asked for is rare. Of a deleted tenant, the platform's log has the records.
        """
        if asked.tenant:
            await self._control.tenant(asked.tenant)
        tenant = asked.tenant or asked.query.get("tenant") or None
        if tenant is not None:
            check_name(tenant)
        wanted = Wanted(
            actor=asked.query.get("actor") or None,
            action=asked.query.get("action") or None,
            since=asked.time("since"),
            until=asked.time("until"),
        )
        if JSON_LINES in asked.headers.get("accept", ""):
            parts = self._reader.all(tenant, wanted, asked.stream_cursor)
            first: Sequence[AuditRecord] = await anext(parts, [])  # while an error can still be said
            return Answered(Export(_lines(first, parts), JSON_LINES, f"audit-{tenant or 'all'}.jsonl"))
        page = await self._reader.page(tenant, wanted, asked.limit, asked.stream_cursor)
        return Answered(ListView(page.records, page.next_cursor))


async def _lines(first: Sequence[AuditRecord], others: AsyncIterator[Sequence[AuditRecord]]) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    yield encoder.encode_lines(first)
    async for records in others:
        yield encoder.encode_lines(records)
