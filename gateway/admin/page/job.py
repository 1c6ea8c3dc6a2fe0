"""One job's page: where it stands, its curves, what it was trained on, its timeline; and its manifest to download."""

from typing import Any

import msgspec
from starlette.responses import Response

from finetune.curves import Point
from finetune.records import Event
from gateway.admin.page import words
from gateway.admin.page.calling import Api
from gateway.admin.page.charts import charts
from gateway.admin.page.jobs import row
from gateway.admin.page.names import Names
from gateway.admin.page.now import JOB, TENANT
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit, Visiting
from gateway.admin.schemas import JobView
from gateway.errors import GatewayError

_SAMPLES = 4
_LAST_EVENTS = 60
_EVENTS_AT_ONCE = "500"


class JobPage:
    """The screen and the download."""

    def __init__(self, visiting: Visiting, api: Api, names: Names) -> None:
        self._visiting = visiting
        self._api = api
        self._names = names

    async def show(self, visit: Visit) -> Response:
        """The job."""
        firm = await self._read(visit, TENANT)
        job: JobView = await self._read(visit, JOB)
        events, earlier = await self._events(visit)
        points: list[Point] = (await self._read(visit, JOB + "/metrics")).items
        return self._visiting.draw(
            visit,
            "job.html",
            firm=firm,
            tab="models",
            live=f"{home(visit.tenant)}/live?job={job.id}",
            row=row(job, await self._names.of(visit.tenant, [job.created_by])),
            job=job,
            failure=words.failure(job.error.code, job.error.message) if job.error else None,
            warnings=[words.warning(one.code, one.message) for one in job.warnings],
            charts=charts(points),
            events=events[::-1],
            earlier=earlier,
            samples=await self._samples(visit),
            skipped=_skipped(job),
        )

    async def manifest(self, visit: Visit) -> Response:
        """What the job was trained on, as a file."""
        manifest = await self._read(visit, JOB + "/manifest")
        name = f'attachment; filename="manifest-{visit.names["job_id"]}.json"'
        headers = {**HEADERS, "content-disposition": name}
        return Response(msgspec.json.encode(manifest), 200, headers, "application/json")

    async def _read(self, visit: Visit, path: str, **query: str) -> Any:
        return (await self._api.ask(visit.visitor, "GET", path, visit.names, query=query)).body

    async def _events(self, visit: Visit) -> tuple[list[Event], int]:
        """The timeline's end, oldest first, and how many lines came before. It can be read from its beginning only."""
        events: list[Event] = []
        seen = 0
        query = {"limit": _EVENTS_AT_ONCE}
        while True:
            listed = await self._read(visit, JOB + "/events", **query)
            seen += len(listed.items)
            events = [*events, *listed.items][-_LAST_EVENTS:]
            if listed.next_cursor is None:
                return events, seen - len(events)
            query["cursor"] = listed.next_cursor

    async def _samples(self, visit: Visit) -> list[Any]:
        """A few of the examples; none where they are no longer kept."""
        try:
            samples: list[Any] = (await self._read(visit, JOB + "/examples", limit=str(_SAMPLES))).items
        except GatewayError as error:
            if error.code != "not_found":
                raise
            return []
        return samples


def _skipped(job: JobView) -> list[tuple[str, int]]:
    """What was left out, in words, the most first."""
    counts = job.dataset.skipped if job.dataset is not None else {}
    return [(words.skipped(reason), count) for reason, count in sorted(counts.items(), key=lambda one: -one[1])]
