"""Providers: a form for each kind, and whether one is really to go. The secret is never shown, only its hint."""

from typing import Any

from starlette.responses import Response

from gateway.admin.page import forms, words
from gateway.admin.page.forms import Field, Problem
from gateway.admin.page.now import TENANT
from gateway.admin.page.settings import Settings
from gateway.admin.page.settings_fields import PROVIDERS, provider_fields
from gateway.admin.page.visiting import Visit
from gateway.admin.schemas import ProviderView
from gateway.errors import GatewayError
from gateway.wire.kinds import KINDS

_NAME = Field("provider", "Name", "How the firm calls it: letters, digits, - and _.", required=True, placeholder="main")


class ProviderScreens(Settings):
    """A new provider, one that is there, and its end."""

    async def new(self, visit: Visit) -> Response:
        """The kinds to choose from, or the form of the one that was chosen."""
        kind = visit.query.get("kind", "")
        if kind not in KINDS:
            return await self.drawn(visit, "settings_kinds.html", what="provider", choices=PROVIDERS)
        count = len(await self._all(visit))
        return await self._form(visit, kind, None, {"provider": "" if count else "main", "options.stream_usage": "on"})

    async def add(self, visit: Visit) -> Response:
        """Makes it."""
        kind, name = visit.form.get("kind", ""), visit.form.get("provider", "").strip()
        if kind not in KINDS:
            raise GatewayError("invalid_field", "The form names no kind of provider that is known here.", "kind")
        if name in {one.name for one in await self._all(visit)}:
            taken = Problem("provider", "There is a provider of this name. Choose another, or change that one.")
            return await self._form(visit, kind, None, visit.form, taken, 409)
        return await self._saved(visit, kind, None, name)

    async def edit(self, visit: Visit) -> Response:
        """The form of one that is there; `kind` makes it another's."""
        known = await self._one(visit)
        kind = visit.query.get("kind", known.kind)
        if kind not in KINDS:
            raise GatewayError("not_found")
        if "choose" in visit.query:
            return await self.drawn(visit, "settings_kinds.html", what="provider", choices=PROVIDERS, known=known)
        if kind != known.kind:
            first = {"default_model": "", "is_default": "on" if known.is_default else "", "options.stream_usage": "on"}
            return await self._form(visit, kind, known, first)
        stored = {
            "base_url": known.base_url,
            "default_model": known.default_model,
            "is_default": known.is_default,
            "options": {"stream_usage": True, **known.options},
        }
        return await self._form(visit, kind, known, forms.shown(provider_fields(kind), stored))

    async def save(self, visit: Visit) -> Response:
        """Changes it."""
        known = await self._one(visit)
        kind = visit.form.get("kind", known.kind)
        if kind not in KINDS:
            raise GatewayError("invalid_field", "The form names no kind of provider that is known here.", "kind")
        return await self._saved(visit, kind, known, known.name)

    async def ask_delete(self, visit: Visit) -> Response:
        """Whether it is really to go."""
        return await self.drawn(visit, "ask_provider.html", provider=await self._one(visit), problem=None)

    async def delete(self, visit: Visit) -> Response:
        """Takes it away, unless the API says that it is needed."""
        known = await self._one(visit)
        try:
            await self.change(visit, "DELETE", "/providers/{provider}")
        except GatewayError as error:
            if error.code != "provider_in_use":
                raise
            told = words.refusal(error)
            return await self.drawn(visit, "ask_provider.html", error.kind.status, provider=known, problem=told)
        return self.done(visit, "no-provider")

    async def _saved(self, visit: Visit, kind: str, known: ProviderView | None, name: str) -> Response:
        fields = provider_fields(kind)
        try:
            names = {**visit.names, "provider": name}
            path = TENANT + "/providers/{provider}"
            await self.api.ask(visit.visitor, "PUT", path, names, body=_body(visit.form, kind, known))
        except GatewayError as error:
            if error.kind.status != 422:
                raise
            told = forms.problem(error, (_NAME, *fields))
            return await self._form(visit, kind, known, visit.form, told, error.kind.status)
        return self.done(visit, "provider")

    async def _form(
        self,
        visit: Visit,
        kind: str,
        known: ProviderView | None,
        values: dict[str, str],
        problem: Problem | None = None,
        status: int = 200,
    ) -> Response:
        fields = provider_fields(kind) if known else (_NAME, *provider_fields(kind))
        label = next(one.label for one in PROVIDERS if one.name == kind)
        return await self.drawn(
            visit,
            "settings_provider.html",
            status,
            fields=fields,
            values=dict.fromkeys((one.name for one in fields), "") | forms.filled(fields, values),
            problem=problem,
            kind=kind,
            label=label,
            known=known,
        )

    async def _all(self, visit: Visit) -> list[ProviderView]:
        found: list[ProviderView] = (await self.read(visit, TENANT + "/providers")).items
        return found

    async def _one(self, visit: Visit) -> ProviderView:
        name = visit.names["provider"]
        known = next((one for one in await self._all(visit) if one.name == name), None)
        if known is None:
            raise GatewayError("provider_not_configured", f"The firm has no provider “{name}”.")
        return known


def _body(form: dict[str, str], kind: str, known: ProviderView | None) -> dict[str, Any]:
    """The form as the API's body. Options that the form does not have stay, where the kind does."""
    fields = provider_fields(kind)
    body = {"kind": kind, **forms.body(fields, form)}
    if known is None and not body["is_default"]:
        del body["is_default"]  # the first one is it all the same
    if known is not None and known.kind == kind:
        ours = {one.name.removeprefix("options.") for one in fields}
        kept = {name: value for name, value in known.options.items() if name not in ours}
        body["options"] = {**kept, **body.get("options", {})}
    return body
