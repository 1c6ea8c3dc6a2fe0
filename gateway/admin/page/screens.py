"""What the screens of a tenant's tabs have in common: they read by the API's operations and are drawn under its name.

No screen of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from gateway.admin.page.calling import Api
from gateway.admin.page.now import JOB, TENANT
from gateway.admin.page.visiting import Visit, Visiting
from gateway.errors import GatewayError


class Screens:
    """The base of a tab. `tab` is its name in `tabs.py`."""

    tab = ""

    def __init__(self, visiting: Visiting, api: Api) -> None:
        self.visiting = visiting
        self.api = api

    async def read(self, visit: Visit, path: str, query: Mapping[str, str] | None = None, **names: str) -> Any:
        """What the API's `GET` of that path answers. `names` fill the path beside the visit's own.

        Raises GatewayError, StoreUnavailable.
        """
        answered = await self.api.ask(visit.visitor, "GET", path, {**visit.names, **names}, query=query)
        return answered.body

    async def drawn(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        """The template below the tenant's name and tabs. Raises GatewayError, StoreUnavailable."""
        firm = values.pop("firm", None) or await self.read(visit, TENANT)
        return self.visiting.draw(visit, template, status, firm=firm, tab=self.tab, **values)

    async def job_labels(self, visit: Visit, wanted: Iterable[str | None]) -> dict[str, str]:
        """Jobs' labels by id, of those that are still kept. Raises GatewayError, StoreUnavailable."""
        labels = {}
        for job_id in {one for one in wanted if one}:
            try:
                job = await self.read(visit, JOB, job_id=job_id)
            except GatewayError:
                continue  # it was erased
            labels[job_id] = job.label or job_id
        return labels
