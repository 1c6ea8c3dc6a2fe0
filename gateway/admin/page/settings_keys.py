"""Keys: made, shown once, revoked."""

from collections.abc import Mapping

from starlette.responses import Response

from gateway.admin.page import forms, words, zones
from gateway.admin.page.forms import Field, Problem
from gateway.admin.page.now import TENANT
from gateway.admin.page.settings import ROLES, Settings
from gateway.admin.page.visiting import Visit
from gateway.admin.schemas import KeyView, NewKeyView
from gateway.errors import GatewayError

_FIELDS = (
    Field("label", "Label", "Who or what will use it, such as Assistant."),
    Field("role", "What it may do"),
    Field("expires_at", "Expires at the end of"),
)
_PAGE = "500"


class KeyScreens(Settings):
    """A new key, and the end of one."""

    async def new(self, visit: Visit) -> Response:
        """The form."""
        return await self._form(visit, {"role": "caller"})

    async def make(self, visit: Visit) -> Response:
        """Makes it, and shows it this one time."""
        body = {"role": visit.form.get("role", ""), "label": visit.form.get("label", "").strip()}
        try:
            if visit.form.get("expires_at", "").strip():
                body["expires_at"] = _end_of_day(visit.form)
            made: NewKeyView = await self.change(visit, "POST", "/keys", body)
        except GatewayError as error:
            if error.kind.status != 422:
                raise
            return await self._form(visit, visit.form, forms.problem(error, _FIELDS), error.kind.status)
        return await self.drawn(visit, "settings_key_made.html", made=made, role=ROLES[made.role][0])

    async def ask_revoke(self, visit: Visit) -> Response:
        """Whether it is really to go."""
        key = await self._one(visit)
        is_own = key.id == visit.visitor.caller.key_id
        return await self.drawn(visit, "ask_key.html", key=key, name=words.who(key.id, key.label), is_own=is_own)

    async def revoke(self, visit: Visit) -> Response:
        """Ends it."""
        await self.change(visit, "DELETE", "/keys/{key}")
        return self.done(visit, "no-key")

    async def _form(
        self, visit: Visit, values: dict[str, str], problem: Problem | None = None, status: int = 200
    ) -> Response:
        return await self.drawn(
            visit,
            "settings_key.html",
            status,
            values=forms.filled(_FIELDS, values),
            problem=problem,
            roles=ROLES,
        )

    async def _one(self, visit: Visit) -> KeyView:
        query = {"limit": _PAGE}
        while True:
            listed = await self.read(visit, TENANT + "/keys", query)
            for key in listed.items:
                if key.id == visit.names["key"]:
                    found: KeyView = key
                    return found
            if listed.next_cursor is None:
                raise GatewayError("key_not_found")
            query["cursor"] = listed.next_cursor


def _end_of_day(form: Mapping[str, str]) -> str:
    """Raises GatewayError."""
    try:
        return zones.end(form, "expires_at")
    except ValueError:
        raise GatewayError("invalid_field", "This is no day, such as 2027-01-31.", "expires_at") from None
