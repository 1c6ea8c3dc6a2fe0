"""The Why trace: which model answered a call, and why. Reads only."""

from collections.abc import Callable

from gateway import timestamps
from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.schemas import ListView
from gateway.errors import GatewayError
from gateway.why import WhyReader, WhyRecord, WhyWriter
from policies.access import Action

_FIELDS = {"reason": "reason", "job_id": "job_id", "workflow": "workflow", "trace_id": "trace_id"}
_BOOLEANS = {"true": True, "false": False}


class Traces:
    """The operations on Why records."""

    def __init__(self, control: Control, reader: WhyReader, writer: WhyWriter) -> None:
        self._control = control
        self._reader = reader
        self._writer = writer

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            AdminRoute("GET", "/tenants/{tenant}/why", Action.READ_WHY, self.list),
            AdminRoute("GET", "/tenants/{tenant}/why/{call_id:call}", Action.READ_WHY, self.read),
        ]

    async def list(self, asked: Asked) -> Answered:
        """Records, newest first, those of calls that ended on this replica until now included."""
        await self._control.tenant(asked.tenant)
        wanted = _filter(asked)
        await self._writer.flush()
        page = await self._reader.page(asked.tenant, wanted, asked.limit, asked.stream_cursor)
        return Answered(ListView(page.records, page.next_cursor))

    async def read(self, asked: Asked) -> Answered:
        """One call's record."""
        await self._control.tenant(asked.tenant)
        await self._writer.flush()
        record = await self._reader.one(asked.tenant, asked.path["call_id"])
        if record is None:
            raise GatewayError("call_not_found")
        return Answered(record)


def _filter(asked: Asked) -> Callable[[WhyRecord], bool]:
    """The records that the query asks for. Raises GatewayError `invalid_field`."""
    query = asked.query
    exact = {field: query[name] for name, field in _FIELDS.items() if query.get(name)}
    fine_tuned = query.get("fine_tuned")
    if fine_tuned is not None and fine_tuned not in _BOOLEANS:
        raise GatewayError("invalid_field", "`fine_tuned` must be `true` or `false`.", "fine_tuned")
    since, until = _text(asked.time("since")), _text(asked.time("until"))

    def wanted(record: WhyRecord) -> bool:
        return (
            all(getattr(record, field) == value for field, value in exact.items())
            and (fine_tuned is None or record.fine_tuned is _BOOLEANS[fine_tuned])
            and (since is None or record.time >= since)
            and (until is None or record.time < until)
        )

    return wanted


def _text(seconds: float | None) -> str | None:
    """The time in the form that records have it, in which text order is time order."""
    return None if seconds is None else timestamps.from_seconds(seconds)
