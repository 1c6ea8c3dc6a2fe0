"""The way in: a tenant's own admin goes to their firm, a platform admin picks one."""

from starlette.responses import RedirectResponse, Response

from gateway.admin.page.calling import Api
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit, Visiting

_PAGE_SIZE = 25


class Firms:
    """The choice."""

    def __init__(self, visiting: Visiting, api: Api) -> None:
        self._visiting = visiting
        self._api = api

    async def choose(self, visit: Visit) -> Response:
        """The list with its filter; of a tenant's own admin, the one firm."""
        own = visit.visitor.caller.tenant
        if own is not None:
            return RedirectResponse(home(own), 303, HEADERS)
        query = {"limit": str(_PAGE_SIZE)}
        query |= {name: value for name in ("q", "cursor") if (value := visit.query.get(name, "").strip())}
        listed = (await self._api.ask(visit.visitor, "GET", "/tenants", {}, query=query)).body
        return self._visiting.draw(
            visit,
            "firms.html",
            firms=listed.items,
            wanted=query.get("q", ""),
            is_first="cursor" not in query,
            next_cursor=listed.next_cursor,
        )
