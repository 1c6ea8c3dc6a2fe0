"""The Why trace: which model answered a call, why, and what all calls come to. Reads only."""

import re
import time

from gateway.admin.changes import Control
from gateway.admin.exporting import CSV, JSON_LINES, asked_form, export
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.parameters import PAGE, SINCE, UNTIL, Parameter
from gateway.admin.schemas import ListView
from gateway.errors import GatewayError
from gateway.store.connection import StoreUnavailable
from gateway.why import WhyRecord, WhyWriter
from gateway.why_reading import MOST_LOOKED_AT, Wanted, WhyReader
from gateway.why_summary import Summary, days_of, summary
from policies.access import Action

_LEAST_LOOKED_AT = 1000
_WHICH = (
    Parameter("fine_tuned", "Only calls that a fine-tuned model answered, or only the others.", "boolean"),
    Parameter("reason", "Only calls whose model was chosen for this reason, such as `active_job`."),
    Parameter("job_id", "Only calls that this job's model answered."),
    Parameter("workflow", "Only calls of this workflow."),
    Parameter("trace_id", "Only calls of this trace."),
    Parameter("call_id", "Only the call of this id."),
    SINCE,
    UNTIL,
    *PAGE,
    Parameter(
        "most",
        f"How many records a page looks at before it ends and leads on, {_LEAST_LOOKED_AT} to {MOST_LOOKED_AT}; the "
        "latter by default. With fewer it is answered sooner.",
        "integer",
    ),
)
_DAYS = (
    Parameter("since", "The first day, `YYYY-MM-DD`, or a time in it; by default thirty days before the end."),
    Parameter("until", "The day after the last, `YYYY-MM-DD`, or a time in the last; by default the end of today."),
)
_BOOLEANS = {"true": True, "false": False}


class Traces:
    """The operations on Why records. Each has those of calls that ended on this replica until now, unless the store is
    full."""

    def __init__(self, control: Control, reader: WhyReader, writer: WhyWriter, kept_days: int) -> None:
        self._control = control
        self._reader = reader
        self._writer = writer
        self._kept_days = kept_days

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute(
                "GET",
                "/tenants/{tenant}/why",
                Action.READ_WHY,
                self.list,
                answer=ListView[WhyRecord],
                parameters=_WHICH,
                exports=(JSON_LINES, CSV),
            ),
            AdminRoute(
                "GET",
                "/tenants/{tenant}/why/summary",
                Action.READ_WHY,
                self.summary,
                answer=Summary,
                parameters=_DAYS,
                errors=("invalid_field",),
            ),
            AdminRoute(
                "GET",
                "/tenants/{tenant}/why/{call_id:call}",
                Action.READ_WHY,
                self.read,
                answer=WhyRecord,
                errors=("call_not_found",),
            ),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Lists Why records, newest first: which model answered each call, and why.

        A page; or, where `Accept` names JSON lines or CSV, all of them as a file. A page looks at `most` records, so
        it may hold fewer than `limit` and lead on all the same, where what is asked for is rare.
        """
        await self._control.tenant(asked.tenant)
        wanted, cursor, limit, most = _wanted(asked), asked.stream_cursor, asked.limit, _most(asked)
        await self._flush()
        form = asked_form(asked, JSON_LINES, CSV)
        if form is not None:
            parts = self._reader.all(asked.tenant, wanted, cursor)
            return Answered(await export(parts, WhyRecord, form, f"why-{asked.tenant}"))
        page = await self._reader.page(asked.tenant, wanted, limit, cursor, most)
        return Answered(ListView(page.records, page.next_cursor))

    async def read(self, asked: Asked) -> Answered:
        """Shows the Why record of a call."""
        await self._control.tenant(asked.tenant)
        await self._flush()
        record = await self._reader.one(asked.tenant, asked.path["call_id"])
        if record is None:
            raise GatewayError("call_not_found")
        return Answered(record)

    async def summary(self, asked: Asked) -> Answered:
        """Sums calls, tokens and cost, by model, workflow, day and arm.

        Of whole days in UTC: those that hold `since` and what lies before `until`. The answer says which they came to.
        """
        await self._control.tenant(asked.tenant)
        days = days_of(asked.time("since"), asked.time("until"), time.time(), self._kept_days)
        await self._flush()
        return Answered(await summary(self._control.store, asked.tenant, days))

    async def _flush(self) -> None:
        """Has the store take the last records. A full one takes none: then what it has already is answered."""
        try:
            await self._writer.flush()
        except StoreUnavailable as error:
            if error.lacks is None:
                raise


def _wanted(asked: Asked) -> Wanted:
    """The records that the query asks for. Raises GatewayError `invalid_field`."""
    query = asked.query
    fine_tuned = query.get("fine_tuned") or None
    if fine_tuned is not None and fine_tuned not in _BOOLEANS:
        raise GatewayError("invalid_field", "`fine_tuned` must be `true` or `false`.", "fine_tuned")
    return Wanted(
        call_id=query.get("call_id") or None,
        trace_id=query.get("trace_id", "").lower() or None,
        job_id=query.get("job_id") or None,
        workflow=query.get("workflow") or None,
        reason=query.get("reason") or None,
        fine_tuned=None if fine_tuned is None else _BOOLEANS[fine_tuned],
        since=asked.time("since"),
        until=asked.time("until"),
    )


def _most(asked: Asked) -> int:
    """How many records the page may look at. Raises GatewayError `invalid_field`."""
    text = asked.query.get("most") or str(MOST_LOOKED_AT)
    if not re.fullmatch("[0-9]{1,6}", text) or not _LEAST_LOOKED_AT <= int(text) <= MOST_LOOKED_AT:
        words = f"`most` must be between {_LEAST_LOOKED_AT} and {MOST_LOOKED_AT}."
        raise GatewayError("invalid_field", words, "most")
    return int(text)
