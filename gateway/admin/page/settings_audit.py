"""The audit log: who changed what, newest first, and what it was before and after."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from gateway.admin.page import audit_words, words
from gateway.admin.page.now import TENANT
from gateway.admin.page.settings import Settings
from gateway.admin.page.visiting import Visit
from gateway.audit import AuditRecord

_PAGE_SIZE = 25


class Line(Struct, frozen=True):
    """A record as the page shows it: `before` and `after` as JSON, "" where there is nothing."""

    record: AuditRecord
    who: str
    what: str
    before: str
    after: str


class AuditScreen(Settings):
    """The log."""

    async def show(self, visit: Visit) -> Response:
        """A page of it."""
        action, cursor = visit.query.get("action", ""), visit.query.get("cursor", "")
        query = {"limit": str(_PAGE_SIZE)}
        query |= {name: value for name, value in (("action", action), ("cursor", cursor)) if value}
        listed = await self.read(visit, TENANT + "/audit", query)
        labels = await self.job_labels(visit, [one for record in listed.items for one in audit_words.jobs_of(record)])
        return await self.drawn(
            visit,
            "settings_audit.html",
            lines=[line(record, labels) for record in listed.items],
            groups=audit_words.GROUPS,
            action=action,
            is_first=not cursor,
            next_cursor=listed.next_cursor,
            is_short=len(listed.items) < _PAGE_SIZE,
        )


def line(record: AuditRecord, labels: Mapping[str, str]) -> Line:
    """The record, put into words. `labels` are of jobs, by their ids."""
    what = audit_words.done(record, labels)
    who = words.who(record.actor.id, record.actor.label)
    return Line(record, who[:1].upper() + who[1:], what, _json(record.before), _json(record.after))


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
