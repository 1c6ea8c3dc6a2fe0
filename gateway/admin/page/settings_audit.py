"""The audit log: who changed what, newest first, and what it was before and after."""

from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from gateway.admin.page import words
from gateway.admin.page.now import TENANT
from gateway.admin.page.settings import Settings
from gateway.admin.page.visiting import Visit
from gateway.audit import AuditRecord

_PAGE_SIZE = 25
# What the API's filter takes: a whole action, or the beginning of several.
GROUPS: dict[str, str] = {
    "activate": "Activations",
    "stock": "Returns to the stock model",
    "job.": "Jobs",
    "tenant.": "The firm’s settings",
    "provider.": "Providers",
    "vault.": "The Vault",
    "key.": "Keys",
    "sign_in": "Signing in",
    "sign_out": "Signing out",
}
_ACTIONS: dict[str, str] = {
    "activate": "activated a model, or changed its share",
    "stock": "went back to the stock model",
    "job.make": "started a job",
    "job.recreate": "started a job of the same data",
    "job.import": "imported a model",
    "job.cancel": "cancelled a job",
    "job.ready": "finished a job: its model is ready",
    "job.retirement": "noted when a model retires",
    "tenant.put": "changed the firm’s settings",
    "provider.put": "saved a provider",
    "provider.delete": "took a provider away",
    "vault.put": "saved the Vault",
    "key.make": "made a key",
    "key.change": "changed a key",
    "key.revoke": "revoked a key",
    "sign_in": "signed in",
    "sign_out": "signed out",
}


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
        return await self.drawn(
            visit,
            "settings_audit.html",
            lines=[line(record) for record in listed.items],
            groups=GROUPS,
            action=action,
            is_first=not cursor,
            next_cursor=listed.next_cursor,
            is_short=len(listed.items) < _PAGE_SIZE,
        )


def line(record: AuditRecord) -> Line:
    """The record, put into words."""
    what = _ACTIONS.get(record.action, record.action)
    who = words.who(record.actor.id, record.actor.label)
    return Line(record, who[:1].upper() + who[1:], what, _json(record.before), _json(record.after))


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
