"""The Why trace: which model answered a call, why, and what all calls come to. Reads only."""

import re
import time

from gateway.admin.changes import Control
from gateway.admin.exporting import CSV, JSON_LINES, asked_form, export
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import ListView
from gateway.errors import GatewayError
from gateway.timestamps import to_seconds
from gateway.why import WhyRecord, WhyWriter
from gateway.why_reading import Wanted, WhyReader
from gateway.why_summary import days_of, summary
from policies.access import Action

_BOOLEANS = {"true": True, "false": False}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Traces:
    """The operations on Why records. Each has those of calls that ended on this replica until now."""

    def __init__(self, control: Control, reader: WhyReader, writer: WhyWriter, kept_days: int) -> None:
        self._control = control
        self._reader = reader
        self._writer = writer
        self._kept_days = kept_days

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute("GET", "/tenants/{tenant}/why", Action.READ_WHY, self.list),
            AdminRoute("GET", "/tenants/{tenant}/why/summary", Action.READ_WHY, self.summary),
            AdminRoute("GET", "/tenants/{tenant}/why/{call_id:call}", Action.READ_WHY, self.read),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Records, newest first: a page; or, where JSON lines or CSV are asked for, all of them.

        `since` is inclusive, `until` exclusive. A page may hold fewer records than `limit` and lead on all the same,
        where a tenant keeps very many and what is asked for is rare.
        """
        await self._control.tenant(asked.tenant)
        wanted, cursor, limit = _wanted(asked), asked.stream_cursor, asked.limit
        await self._writer.flush()
        form = asked_form(asked, JSON_LINES, CSV)
        if form is not None:
            parts = self._reader.all(asked.tenant, wanted, cursor)
            return Answered(await export(parts, WhyRecord, form, f"why-{asked.tenant}"))
        page = await self._reader.page(asked.tenant, wanted, limit, cursor)
        return Answered(ListView(page.records, page.next_cursor))

    async def read(self, asked: Asked) -> Answered:
        """One call's record."""
        await self._control.tenant(asked.tenant)
        await self._writer.flush()
        record = await self._reader.one(asked.tenant, asked.path["call_id"])
        if record is None:
            raise GatewayError("call_not_found")
        return Answered(record)

    async def summary(self, asked: Asked) -> Answered:
        """Calls, tokens and cost of whole days in UTC: those that hold `since` and what lies before `until`.

        Each is a date or a time; the answer says which days they came to. Without them, the last thirty.
        """
        await self._control.tenant(asked.tenant)
        days = days_of(_moment(asked, "since"), _moment(asked, "until"), time.time(), self._kept_days)
        await self._writer.flush()
        return Answered(await summary(self._control.store, asked.tenant, days))


def _wanted(asked: Asked) -> Wanted:
    """The records that the query asks for. Raises GatewayError `invalid_field`."""
    query = asked.query
    fine_tuned = query.get("fine_tuned") or None
    if fine_tuned is not None and fine_tuned not in _BOOLEANS:
        raise GatewayError("invalid_field", "`fine_tuned` must be `true` or `false`.", "fine_tuned")
    return Wanted(
        call_id=query.get("call_id") or None,
        trace_id=query.get("trace_id") or None,
        job_id=query.get("job_id") or None,
        workflow=query.get("workflow") or None,
        reason=query.get("reason") or None,
        fine_tuned=None if fine_tuned is None else _BOOLEANS[fine_tuned],
        since=asked.time("since"),
        until=asked.time("until"),
    )


def _moment(asked: Asked, name: str) -> float | None:
    """A time of the query, or a date, which stands for its first moment. Raises GatewayError `invalid_field`."""
    text = asked.query.get(name, "")
    if not _DATE.fullmatch(text):
        return asked.time(name)
    try:
        return to_seconds(f"{text}T00:00:00Z")
    except ValueError as error:
        raise GatewayError("invalid_field", f"`{name}`: {error}.", name) from None
