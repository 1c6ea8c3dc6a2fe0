"""The Why trace: what all calls come to, those that a reader asks for, one call in words, and all of them as a file.

Read by the API's operations. How a call is put into words is `why_words.py`'s, what is asked for `why_asked.py`'s.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from gateway.admin.exporting import CSV, JSON_LINES
from gateway.admin.handling import Exported
from gateway.admin.page import why_asked, why_words
from gateway.admin.page.bars import bars, by_day
from gateway.admin.page.calling import Api
from gateway.admin.page.names import Names
from gateway.admin.page.now import TENANT
from gateway.admin.page.rendering import HEADERS, share
from gateway.admin.page.screens import Screens
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit, Visiting
from gateway.admin.page.why_words import Outcome
from gateway.audit import AuditRecord
from gateway.errors import GatewayError
from gateway.why import WhyRecord
from gateway.why_summary import Summary

WHY = TENANT + "/why"
_LABELS_AT_ONCE = "100"
_MODELS = 8
_WORKFLOWS = 50
_FORMS = {"jsonl": JSON_LINES, "csv": CSV}


class CallRow(Struct, frozen=True):
    """A record as the list shows it. `model`: who answered, or would have."""

    record: WhyRecord
    url: str
    outcome: Outcome
    reason: str
    model: str
    asker: str


class WhyScreens(Screens):
    """The list, one record, the export. `calls_here`: models are called at the page's own port too."""

    tab = "why"

    def __init__(self, visiting: Visiting, api: Api, names: Names, *, calls_here: bool) -> None:
        super().__init__(visiting, api)
        self._names = names
        self._calls_here = calls_here

    async def list(self, visit: Visit) -> Response:
        """What all calls come to, and a page of those that are asked for, newest first."""
        asked = why_asked.sought(visit.query)
        if asked.call_id is not None and not asked.problems:
            return RedirectResponse(f"{home(visit.tenant)}/why/{asked.call_id}", 303, HEADERS)
        cursor = visit.query.get("cursor", "")
        records, next_cursor = await self._page(visit, asked, cursor)
        summary: Summary = await self.read(visit, WHY + "/summary")
        labels = await self._labels(visit, [*(one.job_id for one in records), asked.query.get("job_id")])
        names = await self._names.of(visit.tenant, [one.key_id for one in records])
        days = by_day(summary.since, summary.until, summary.by_day)
        return await self.drawn(
            visit,
            "why.html",
            asked=asked,
            shown=dict.fromkeys(why_asked.FIELDS, "") | asked.shown,
            problems=dict.fromkeys(why_asked.FIELDS, "") | asked.problems,
            rows=[_row(visit, one, labels, names[one.key_id]) for one in records],
            labels=labels,
            reasons=why_words.REASONS,
            is_first=not cursor,
            next_cursor=next_cursor,
            is_short=next_cursor is not None and len(records) < int(why_asked.PAGE_SIZE),
            summary=summary,
            own_share=share(round(summary.by_arm.fine_tuned.calls / max(1, summary.total.calls), 3)),
            models=summary.by_model[:_MODELS],
            workflows=[one.workflow for one in summary.by_workflow[:_WORKFLOWS] if one.workflow],
            days=days,
            chart=bars(days),
            calls_go_to=self._calls_go_to(visit),
        )

    async def show(self, visit: Visit) -> Response:
        """One call in words, and all that is recorded of it."""
        record: WhyRecord = await self.read(visit, WHY + "/{call_id}")
        labels = await self.job_labels(visit, [record.job_id])
        label = labels.get(record.job_id) if record.job_id else None
        since = await self._active_since(visit, record)
        names = await self._names.of(visit.tenant, [record.key_id])
        story = why_words.story(record, label, since, names[record.key_id])
        return await self.drawn(visit, "why_one.html", record=record, story=story, label=label, fields=fields(record))

    async def export(self, visit: Visit) -> Response:
        """All that is asked for, as a file."""
        form = _FORMS.get(visit.names["form"])
        if form is None:
            raise GatewayError("not_found")
        asked = why_asked.sought(visit.query)
        _raise_first(asked.problems)
        query = asked.query if asked.call_id is None else {**asked.query, "call_id": asked.call_id}
        answered = await self.api.ask(visit.visitor, "GET", WHY, visit.names, query=query, headers={"accept": form})
        return Exported(answered.body, dict(HEADERS))

    async def _page(self, visit: Visit, asked: why_asked.Sought, cursor: str) -> tuple[Sequence[WhyRecord], str | None]:
        if asked.problems:
            return [], None
        query = {**asked.query, "limit": why_asked.PAGE_SIZE, "most": why_asked.LOOK}
        listed = await self.read(visit, WHY, {**query, "cursor": cursor} if cursor else query)
        return listed.items, listed.next_cursor

    async def _labels(self, visit: Visit, wanted: Sequence[str | None]) -> dict[str, str]:
        """Jobs' labels by id: of those made last, and of all that are wanted and still kept."""
        listed = await self.read(visit, TENANT + "/jobs", {"limit": _LABELS_AT_ONCE})
        labels = {job.id: job.label or job.id for job in listed.items}
        return labels | await self.job_labels(visit, {one for one in wanted if one} - labels.keys())

    async def _active_since(self, visit: Visit, record: WhyRecord) -> str | None:
        """When the record's job was activated last before the call; a change of its share is none."""
        if record.reason != "active_job":
            return None
        query = {"action": "activate", "until": record.time, "limit": "20"}
        found: list[AuditRecord] = (await self.read(visit, TENANT + "/audit", query)).items
        for flip in found:
            if _job_of(flip.after) != record.job_id:
                return None
            if _job_of(flip.before) != record.job_id:
                return flip.time
        return None

    def _calls_go_to(self, visit: Visit) -> str:
        if not self._calls_here:
            return "https://THIS-GATEWAY/v1"
        scheme = "https" if self.visiting.secure(visit.request) else "http"
        return f"{scheme}://{visit.request.headers.get('host', 'THIS-GATEWAY')}/v1"


def fields(record: WhyRecord) -> list[tuple[str, Any]]:
    """All that is recorded, by the API's names."""
    return [(name, getattr(record, name)) for name in record.__struct_fields__]


def _row(visit: Visit, record: WhyRecord, labels: dict[str, str], asker: str) -> CallRow:
    model = record.served_model or record.routed_model
    if model is None and record.attempts:
        model = record.requested_model
    if record.fine_tuned and record.job_id:
        model = labels.get(record.job_id, record.job_id)
    url = f"{home(visit.tenant)}/why/{record.call_id}"
    return CallRow(record, url, why_words.outcome(record), why_words.reason(record.reason), model or "–", asker)


def _job_of(shown: Any) -> str | None:
    return shown.get("job_id") if isinstance(shown, dict) else None


def _raise_first(problems: dict[str, str]) -> None:
    for name, text in problems.items():
        raise GatewayError("invalid_field", text, name)
