"""The way in: a tenant's own admin goes to their firm, a platform admin picks one, or makes one."""

import re
import unicodedata

from starlette.responses import RedirectResponse, Response

from gateway.admin.page import forms
from gateway.admin.page.calling import Api
from gateway.admin.page.forms import Field, Problem
from gateway.admin.page.now import TENANT
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit, Visiting
from gateway.errors import GatewayError
from policies import access
from policies.access import Action

_PAGE_SIZE = 25
_MOST_LETTERS = 63
_FIELDS = (Field("name", "Name"), Field("tenant", "Id"))
_ID = "It is made of small letters a to z, digits and hyphens, begins with no hyphen, and has at most 63 of them."


class Firms:
    """The choice, and a new firm."""

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

    async def new(self, visit: Visit) -> Response:
        """The form of a new firm."""
        refusal = access.refuse(visit.visitor.caller, Action.GOVERN_TENANT, None)
        if refusal is not None or visit.visitor.caller.tenant is not None:
            raise GatewayError("forbidden_role")
        return self._form(visit, {})

    async def make(self, visit: Visit) -> Response:
        """Makes it, and leads to its own page, which says what to do next."""
        name = visit.form.get("name", "").strip()
        tenant = visit.form.get("tenant", "").strip().lower() or suggested(name)
        if not name:
            return self._form(visit, visit.form, Problem("name", "Give the firm its name."), 422)
        try:
            await self._must_be_free(visit, tenant)
            await self._api.ask(visit.visitor, "PUT", TENANT, {"tenant": tenant}, body={"name": name})
        except GatewayError as error:
            if error.kind.status not in (409, 422):
                raise
            return self._form(visit, visit.form, _problem(error), error.kind.status)
        return RedirectResponse(home(tenant), 303, HEADERS)

    async def _must_be_free(self, visit: Visit, tenant: str) -> None:
        """Raises GatewayError where there is such a firm, which the form must not change."""
        try:
            await self._api.ask(visit.visitor, "GET", TENANT, {"tenant": tenant})
        except GatewayError as error:
            if error.code != "tenant_not_found":
                raise
            return
        raise GatewayError("conflict", f"There is a firm “{tenant}” already. Choose another id.", "tenant")

    def _form(
        self, visit: Visit, values: dict[str, str], problem: Problem | None = None, status: int = 200
    ) -> Response:
        shown = forms.filled(_FIELDS, values)
        return self._visiting.draw(visit, "firm_new.html", status, values=shown, problem=problem)


def suggested(name: str) -> str:
    """A firm's id, made of its name: its letters without their accents, the rest as hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:_MOST_LETTERS].strip("-")


def _problem(error: GatewayError) -> Problem:
    if error.code == "invalid_tenant_name":
        return Problem("tenant", _ID)
    if error.code == "tenant_name_retired":
        return Problem("tenant", "A firm of this id was deleted, and ids are not given out again. Choose another.")
    return forms.problem(error, _FIELDS)
