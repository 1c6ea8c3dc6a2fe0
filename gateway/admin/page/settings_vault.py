"""The Vault: a form for each kind. It is read to its end and counted before it is saved, by the API's operation."""

from typing import Any

import msgspec
from starlette.responses import Response

from finetune.vaults import SECRETS
from gateway.admin.page import forms
from gateway.admin.page.forms import Problem
from gateway.admin.page.settings import Settings
from gateway.admin.page.settings_fields import VAULTS, vault_fields, vault_kind
from gateway.admin.page.visiting import Visit
from gateway.admin.schemas import VaultView
from gateway.errors import GatewayError

_KINDS = {one.name: one for one in VAULTS}


class VaultScreens(Settings):
    """The choice and the form."""

    async def edit(self, visit: Visit) -> Response:
        """The form of the Vault that is there, or of the kind that was chosen; without either, the choice."""
        known = await self._vault(visit)
        kind = visit.query.get("kind", vault_kind(known.url, known.options) if known else "")
        if "choose" in visit.query or kind not in _KINDS:
            return await self.drawn(visit, "settings_kinds.html", what="vault", choices=VAULTS)
        stored: dict[str, Any] = {}
        if known is not None and kind == vault_kind(known.url, known.options):
            stored = {"url": known.url, "options": known.options}
        return await self._form(visit, kind, known, forms.shown(vault_fields(kind), stored))

    async def save(self, visit: Visit) -> Response:
        """Reads, counts and saves it."""
        kind = visit.form.get("kind", "")
        if kind not in _KINDS:
            raise GatewayError("invalid_field", "The form names no kind of Vault that is known here.", "kind")
        try:
            saved: VaultView = await self.change(visit, "PUT", "/vault", _body(visit.form, kind))
        except GatewayError as error:
            if error.kind.status != 422:
                raise
            told = forms.problem(error, vault_fields(kind))
            values = forms.filled(vault_fields(kind), visit.form)
            return await self._form(visit, kind, await self._vault(visit), values, told, error.kind.status)
        return await self.drawn(visit, "settings_vault_done.html", vault=saved)

    async def _form(
        self,
        visit: Visit,
        kind: str,
        known: VaultView | None,
        values: dict[str, str],
        problem: Problem | None = None,
        status: int = 200,
    ) -> Response:
        fields = vault_fields(kind)
        stored = [f"options.{name}" for name in SECRETS if known is not None and name in known.options]
        return await self.drawn(
            visit,
            "settings_vault.html",
            status,
            fields=fields,
            values=dict.fromkeys((one.name for one in fields), "") | values,
            problem=problem,
            kind=kind,
            label=_KINDS[kind].label,
            stored=[one for one in fields if one.name in stored],
            known=known,
        )


def _body(form: dict[str, str], kind: str) -> dict[str, Any]:
    """The form as the API's body. A secret that is to be taken away is null."""
    body = forms.body(vault_fields(kind), form)
    for name in SECRETS:
        if f"drop.options.{name}" in form:
            forms.put(body, f"options.{name}", None)
    if kind == "api":
        forms.put(body, "options.api", body.get("options", {}).get("api", {}))
    body.setdefault("url", "")
    result: dict[str, Any] = msgspec.to_builtins(body)
    return result
