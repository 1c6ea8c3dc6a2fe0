"""The settings' first screen: the firm and its rule, providers, Vault, keys. What changes them further is in
`settings_providers.py`, `settings_vault.py`, `settings_keys.py`; the audit log in `settings_audit.py`."""

import re
from typing import Any

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from gateway.admin.page import forms, words
from gateway.admin.page.forms import Field, Problem
from gateway.admin.page.now import TENANT
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.screens import Screens
from gateway.admin.page.settings_fields import PROVIDERS
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit
from gateway.admin.schemas import KeyView, TenantView, VaultView
from gateway.errors import GatewayError
from policies import access
from policies.access import Action
from policies.values import Caller

_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_KEYS_SHOWN = "25"
RULES: dict[str, tuple[str, str]] = {
    "default_only": (
        "Calls that ask for the default model",
        "Who asks for another model by its name gets that one.",
    ),
    "all": ("All calls", "Whichever model they ask for."),
    "off": ("None", "Every call stays with the model that it asks for, whatever is activated."),
}
FALLBACKS: dict[str, tuple[str, str]] = {
    "stock": ("The stock model answers", "The call goes on; its Why record says so."),
    "fail": ("The call fails", "Rather no answer than one in another style."),
}
ROLES: dict[str, tuple[str, str]] = {
    "caller": ("Calls models", "For the Assistant and workflows."),
    "tenant_admin": ("Administers this firm", "Signs in here; may do all that this page offers."),
}
DONE: dict[str, str] = {
    "firm": "The firm’s settings are saved.",
    "provider": "The provider is saved.",
    "no-provider": "The provider is taken away.",
    "no-key": "The key is revoked: it is refused from now on.",
}
_FIRM = (
    Field("name", "Name"),
    Field("rule", "Rule"),
    Field("fallback", "Fallback"),
    Field("cost_limit_usd", "Most that jobs may cost in thirty days"),
    Field("allowed_paths", "Further routes"),
)


class Settings(Screens):
    """The base of the settings' screens."""

    tab = "settings"

    def done(self, visit: Visit, what: str) -> Response:
        """Back to the first screen, which says what was done."""
        return RedirectResponse(f"{home(visit.tenant)}/settings?done={what}", 303, HEADERS)

    async def change(self, visit: Visit, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the API's operation answers. Raises GatewayError, StoreUnavailable."""
        return (await self.api.ask(visit.visitor, method, TENANT + path, visit.names, body=body)).body

    async def _vault(self, visit: Visit) -> VaultView | None:
        """The tenant's Vault as it stands; None where there is none yet."""
        try:
            vault: VaultView = await self.read(visit, TENANT + "/vault")
        except GatewayError as error:
            if error.code != "vault_not_configured":
                raise
            return None
        return vault


class SettingsHome(Settings):
    """The screen, and the form of the firm itself."""

    async def show(self, visit: Visit) -> Response:
        """All settings."""
        return await self._drawn(visit)

    async def save(self, visit: Visit) -> Response:
        """The firm's own fields."""
        try:
            await self.change(visit, "PUT", "", _body(visit))
        except GatewayError as error:
            if error.kind.status != 422:
                raise
            return await self._drawn(visit, visit.form, forms.problem(error, _FIRM), error.kind.status)
        return self.done(visit, "firm")

    async def _drawn(
        self, visit: Visit, form: dict[str, str] | None = None, problem: Problem | None = None, status: int = 200
    ) -> Response:
        firm: TenantView = await self.read(visit, TENANT)
        providers = (await self.read(visit, TENANT + "/providers")).items
        cursor = visit.query.get("keys", "")
        query = {"limit": _KEYS_SHOWN} | ({"cursor": cursor} if cursor else {})
        keys = await self.read(visit, TENANT + "/keys", query)
        return await self.drawn(
            visit,
            "settings.html",
            status,
            firm=firm,
            values=_shown(firm, form),
            problem=problem,
            governs=governs(visit.visitor.caller, firm.id),
            rules=rules(visit.visitor.caller, firm),
            fallbacks=FALLBACKS,
            done=DONE.get(visit.query.get("done", "")),
            providers=providers,
            kinds={one.name: one.label for one in PROVIDERS},
            vault=await self._vault(visit),
            keys=[_key(one, visit.visitor.caller) for one in keys.items],
            keys_from=cursor,
            more_keys=keys.next_cursor,
        )


class KeyRow(Struct, frozen=True):
    """A key as the list shows it. `is_own`: the visitor signed in with it."""

    key: KeyView
    name: str
    role: str
    is_own: bool


def _key(key: KeyView, caller: Caller) -> KeyRow:
    role = ROLES[key.role][0] if key.role in ROLES else key.role
    return KeyRow(key, words.who(key.id, key.label), role, key.id == caller.key_id)


def governs(caller: Caller, tenant: str) -> bool:
    """Whether the visitor may suspend the firm and switch its rule off."""
    return access.refuse(caller, Action.GOVERN_TENANT, tenant) is None


def rules(caller: Caller, firm: TenantView) -> dict[str, tuple[str, str]]:
    """The rules that the visitor may choose; none where another than they must choose."""
    if governs(caller, firm.id):
        return RULES
    return {} if firm.rule == "off" else {name: words for name, words in RULES.items() if name != "off"}


def _shown(firm: TenantView, form: dict[str, str] | None = None) -> dict[str, str]:
    """What stands in the fields: what is so, or what came back. A box that is ticked is "on", one that is not ""."""
    limit = "" if firm.cost_limit_usd is None else f"{firm.cost_limit_usd:g}"
    stored = {"name": firm.name, "rule": firm.rule, "fallback": firm.fallback, "cost_limit_usd": limit}
    stored["allowed_paths"] = "\n".join(firm.allowed_paths)
    if form is None:
        return {**stored, "suspended": "on" if firm.suspended else ""}
    return {**{name: form.get(name, text) for name, text in stored.items()}, "suspended": form.get("suspended", "")}


def _body(visit: Visit) -> dict[str, Any]:
    """The form as the API's body. Only who governs the firm was offered to suspend it and to open routes to it."""
    form = visit.form
    body: dict[str, Any] = {name: form[name] for name in ("name", "rule", "fallback") if name in form}
    if "cost_limit_usd" in form:
        text = form["cost_limit_usd"].strip().lstrip("$").replace(",", "")
        if text and not _AMOUNT.fullmatch(text):
            words = "The limit is a number of US dollars, such as 25."
            raise GatewayError("invalid_field", words, "cost_limit_usd")
        body["cost_limit_usd"] = float(text) if text else None
    if "governs" in form:
        body["suspended"] = "suspended" in form
    if "allowed_paths" in form:
        body["allowed_paths"] = form["allowed_paths"].replace(",", " ").split()
    return body
