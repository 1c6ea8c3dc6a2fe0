"""The tenant's first screen: what is on now, and its jobs; and what can be done about either. Thin: the API decides."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from gateway.admin.page import words
from gateway.admin.page.calling import Api
from gateway.admin.page.first_steps import first_steps
from gateway.admin.page.names import Names
from gateway.admin.page.now import JOB, TENANT, Reading, banner, in_force
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit, Visiting
from gateway.admin.page.words import State, Told
from gateway.admin.schemas import ActivationView, JobView, TenantView
from gateway.errors import GatewayError

PAGE_SIZE = 20
_LIVE = frozenset({"queued", "snapshotting", "uploading", "training"})


class JobRow(Struct, frozen=True):
    """A job as the page shows it. `part`: how far the work of its state is, in percent, None where that is not known;
    `come`: the same in words."""

    job: JobView
    state: State
    url: str
    created_by: str
    part: int | None
    come: str

    @property
    def is_live(self) -> bool:
        """Whether something is still to happen."""
        return self.job.status in _LIVE


def row(job: JobView, names: Mapping[str, str]) -> JobRow:
    """The job, put into words. `names` are of keys' holders."""
    part, come = None, ""
    if job.progress is not None:
        done, total = job.progress.done, job.progress.total
        part = min(100, 100 * done // total) if total else None
        of = f" of {total:,}" if total is not None else ""
        come = f"{words.STAGES.get(job.progress.stage, job.progress.stage)}, {done:,}{of}"
    by = names[job.created_by]
    return JobRow(job, words.STATES[job.status], f"{home(job.tenant)}/jobs/{job.id}", by, part, come)


class JobScreens:
    """The list and the actions."""

    def __init__(self, visiting: Visiting, api: Api, reading: Reading, names: Names) -> None:
        self._visiting = visiting
        self._api = api
        self._reading = reading
        self._names = names

    async def overview(self, visit: Visit) -> Response:
        """What is on now, and a page of jobs, newest first."""
        now = await self._reading.now(visit)
        query = {"limit": str(PAGE_SIZE)}
        cursor = visit.query.get("cursor")
        if cursor:
            query["cursor"] = cursor
        listed = (await self._api.ask(visit.visitor, "GET", TENANT + "/jobs", visit.names, query=query)).body
        names = await self._names.of(visit.tenant, [job.created_by for job in listed.items])
        return self._visiting.draw(
            visit,
            "overview.html",
            firm=now.tenant,
            tab="models",
            live=f"{home(visit.tenant)}/live",
            banner=banner(now),
            rows=[row(job, names) for job in listed.items],
            steps=[] if listed.items or cursor else await first_steps(self._api, visit),
            is_first=not cursor,
            next_cursor=listed.next_cursor,
        )

    # what asks first

    async def ask_stock(self, visit: Visit) -> Response:
        """Whether really the stock model."""
        return await self._asking(visit, "ask_stock.html")

    async def ask_activate(self, visit: Visit) -> Response:
        """Which share of the calls."""
        return await self._asking(visit, "ask_activate.html", job=await self._job(visit))

    async def ask_cancel(self, visit: Visit) -> Response:
        """Whether the job is really to end."""
        return await self._asking(visit, "ask_cancel.html", job=await self._job(visit))

    # what is then done

    async def stock(self, visit: Visit) -> Response:
        """Deactivates every job."""
        answered = await self._api.ask(visit.visitor, "POST", TENANT + "/stock", visit.names)
        return await self._flipped(visit, answered.body, "The stock model answers from now on.")

    async def activate(self, visit: Visit) -> Response:
        """Makes the job's model answer its share."""
        body: dict[str, Any] = {"share": _share(visit.form.get("share", "100"))}
        if visit.form.get("checkpoint"):
            body["checkpoint"] = visit.form["checkpoint"]
        answered = await self._api.ask(visit.visitor, "POST", JOB + "/activate", visit.names, body=body)
        return await self._flipped(visit, answered.body, "The firm’s model answers from now on.")

    async def cancel(self, visit: Visit) -> Response:
        """Ends the job, at the provider too."""
        job: JobView = (await self._api.ask(visit.visitor, "POST", JOB + "/cancel", visit.names)).body
        over = job.status == "cancelled"
        text = "The job has ended." if over else "The job ends as soon as a worker gets to it."
        return await self._done(visit, Told("Cancelled" if over else "It will be cancelled", text))

    async def refresh(self, visit: Visit) -> Response:
        """Has the provider asked now."""
        job: JobView = (await self._api.ask(visit.visitor, "POST", JOB + "/refresh", visit.names)).body
        state = words.STATES[job.status]
        return await self._done(visit, Told(f"“{job.label}”: {state.label.lower()}", state.text))

    async def _job(self, visit: Visit) -> JobView:
        job: JobView = (await self._api.ask(visit.visitor, "GET", JOB, visit.names)).body
        return job

    async def _firm(self, visit: Visit) -> TenantView:
        tenant: TenantView = (await self._api.ask(visit.visitor, "GET", TENANT, visit.names)).body
        return tenant

    async def _asking(self, visit: Visit, template: str, **values: Any) -> Response:
        firm = await self._firm(visit)
        back = home(visit.tenant)
        return self._visiting.draw(visit, template, firm=firm, tab="models", back=back, **values)

    async def _flipped(self, visit: Visit, activation: ActivationView, title: str) -> Response:
        warnings = [words.warning(one.code, one.message) for one in activation.warnings]
        return await self._done(visit, Told(title, in_force(activation)), warnings)

    async def _done(self, visit: Visit, told: Told, warnings: list[Told] | None = None) -> Response:
        """A notice, and the word to the page that shows it to look again."""
        firm = await self._firm(visit)
        back = home(visit.tenant)
        response = self._visiting.draw(
            visit, "done.html", firm=firm, tab="models", back=back, told=told, warnings=warnings or []
        )
        response.headers["hx-trigger"] = "live"
        return response


def _share(percent: str) -> float:
    """Percent as a share. Raises GatewayError."""
    try:
        return float(percent.replace(",", ".")) / 100
    except ValueError:
        raise GatewayError("invalid_field", "The share must be a number of percent, such as 25.", "share") from None
