"""The audit log: who changed what, when and from where. Reads only; there is no route that alters a record."""

from gateway.admin.changes import Control
from gateway.admin.exporting import JSON_LINES, asked_form, export
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.parameters import PAGE, SINCE, UNTIL, Parameter
from gateway.admin.schemas import ListView
from gateway.admin.tenants import check_name
from gateway.audit import AuditReader, AuditRecord, Wanted
from policies.access import Action

_TENANT = Parameter("tenant", "Only changes of this tenant.")
_FILTERS = (
    Parameter("actor", "Only changes that the key of this id made."),
    Parameter("action", "Only this action, or all that begin with one that ends in a dot, such as `provider.`."),
    SINCE,
    UNTIL,
    *PAGE,
)


class Audit:
    """The operations on audit records: a tenant's, and the platform's with those of all tenants."""

    def __init__(self, control: Control, reader: AuditReader) -> None:
        self._control = control
        self._reader = reader

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        return [
            self._row("/audit", Action.MANAGE_PLATFORM, (_TENANT, *_FILTERS)),
            self._row("/tenants/{tenant}/audit", Action.READ_AUDIT, _FILTERS),
        ]

    def _row(self, path: str, action: Action, parameters: tuple[Parameter, ...]) -> AdminRoute:
        return AdminRoute(
            "GET",
            path,
            action,
            self.list,
            answer=ListView[AuditRecord],
            parameters=parameters,
            exports=(JSON_LINES,),
            errors=("invalid_tenant_name",),
        )

    async def list(self, asked: Asked) -> Answered:
        """Lists audit records, newest first: who changed what.

        A page; or, with `Accept: application/x-ndjson`, all of them as a file. A page may hold fewer records than
        `limit` and lead on all the same, where what is asked for is rare. Of a deleted tenant, the platform's log has
        the records.
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
        form = asked_form(asked, JSON_LINES)
        if form is not None:
            parts = self._reader.all(tenant, wanted, asked.stream_cursor)
            return Answered(await export(parts, AuditRecord, form, f"audit-{tenant or 'all'}"))
        page = await self._reader.page(tenant, wanted, asked.limit, asked.stream_cursor)
        return Answered(ListView(page.records, page.next_cursor))
