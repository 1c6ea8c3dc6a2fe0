"""The Vault: a form for each kind. It can be tested as it stands in the form, and is read and counted before it is
saved, both by the API's operations."""

from typing import Any

import msgspec
from starlette.responses import Response

from finetune.vaults import SECRETS
from gateway.admin.page import forms, vault_words
from gateway.admin.page.forms import Problem
from gateway.admin.page.settings import Settings
from gateway.admin.page.settings_fields import VAULTS, vault_fields, vault_kind
from gateway.admin.page.vault_words import Found
from gateway.admin.page.visiting import Visit
from gateway.admin.page.words import Told
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
        kind = _kind(visit)
        try:
            saved: VaultView = await self.change(visit, "PUT", "/vault", _body(visit.form, kind))
        except GatewayError as error:
            if error.kind.status != 422:
                raise
            told = forms.problem(error, vault_fields(kind))
            values = forms.filled(vault_fields(kind), visit.form)
            return await self._form(visit, kind, await self._vault(visit), values, told, error.kind.status)
        few = vault_words.few(saved.ready_chunks)
        return await self.drawn(visit, "settings_vault_done.html", vault=saved, few=few)

    async def test(self, visit: Visit) -> Response:
        """Reads and counts what the form says, and saves nothing: the part below the form, or the form again."""
        kind = _kind(visit)
        found: Found | None = None
        wrong: Problem | None = None
        told: Told | None = None
        status = 200
        try:
            found = vault_words.found(await self.change(visit, "POST", "/vault/test", _body(visit.form, kind)))
        except GatewayError as error:
            if error.kind.status not in (422, 429):
                raise
            wrong, status = forms.problem(error, vault_fields(kind)), error.kind.status
            told = vault_words.untested(error, wrong.text)
        if visit.is_fragment:
            fields = {one.name: one for one in vault_fields(kind)}
            at = fields.get(wrong.at) if wrong else None
            return await self.drawn(visit, "settings_vault_tested.html", found=found, told=told, at=at)
        values = forms.filled(vault_fields(kind), visit.form)
        return await self._form(visit, kind, await self._vault(visit), values, wrong, status, found)

    async def _form(
        self,
        visit: Visit,
        kind: str,
        known: VaultView | None,
        values: dict[str, str],
        problem: Problem | None = None,
        status: int = 200,
        found: Found | None = None,
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
            found=found,
        )


def _kind(visit: Visit) -> str:
    """Which kind the form is of. Raises GatewayError."""
    kind = visit.form.get("kind", "")
    if kind not in _KINDS:
        raise GatewayError("invalid_field", "The form names no kind of Vault that is known here.", "kind")
    return kind


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
