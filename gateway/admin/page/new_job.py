"""A new job: its form, the preview of what it would be trained on, its start. Thin: the API decides.

The preview's page comes at once and asks for the preview itself, which takes seconds.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import RedirectResponse, Response

from finetune.backends import unsupported
from finetune.base_models import shipped
from finetune.values import Preview
from gateway.admin.job_making import OPENAI_KINDS
from gateway.admin.page import new_job_words, words
from gateway.admin.page.calling import Api
from gateway.admin.page.job_form import Filled, chosen_model, chosen_provider, error_at, read
from gateway.admin.page.now import TENANT
from gateway.admin.page.rendering import HEADERS
from gateway.admin.page.tabs import home
from gateway.admin.page.visiting import Visit, Visiting
from gateway.admin.page.words import Told
from gateway.admin.schemas import BaseModelView, JobView, ProviderView, VaultView
from gateway.errors import GatewayError

_LIST_SECONDS = 5.0
_JOBS = TENANT + "/jobs"
# A preview that was not made says nothing of the job.
_NOTHING_SAID = frozenset({"preview_busy", "preview_failed", "preview_timed_out"})


class _Offer(Struct, frozen=True):
    """What the form offers. `models` empty: they could not be listed, for the reason in `unlisted`."""

    providers: list[ProviderView]
    vault: VaultView | None
    provider: ProviderView | None
    models: list[BaseModelView]
    unlisted: Told | None


class NewJob:
    """The screens."""

    def __init__(self, visiting: Visiting, api: Api) -> None:
        self._visiting = visiting
        self._api = api

    async def form(self, visit: Visit) -> Response:
        """The form, filled in as the address says; or what must be there first."""
        return await self._form(visit, replace(read(visit.query), errors={}))

    async def preview(self, visit: Visit) -> Response:
        """The preview's page, which asks for the preview."""
        filled = read(visit.query)
        if filled.errors:
            return await self._form(visit, filled, 422)
        return await self._draw(visit, "new_job_preview.html", filled=filled, fields=urlencode(filled.form))

    async def sample(self, visit: Visit) -> Response:
        """The preview, and the button that starts the job."""
        filled = read(visit.query)
        if filled.errors:
            return await self._form(visit, filled, 422)
        made: Preview | None = None
        told: Told | None = None
        code = ""
        try:
            made = await self._ask(visit, "POST", _JOBS + "/preview", body=filled.body)
        except GatewayError as error:
            if error_at(error.param, filled) is not None:
                return await self._refused(visit, filled, error)
            told, code = words.refusal(error), error.code
        return await self._draw(
            visit,
            "new_job_sample.html",
            filled=filled,
            fields=urlencode(filled.form),
            preview=new_job_words.shown(made) if made else None,
            told=told,
            code=code,
            can_start=code in _NOTHING_SAID if made is None else not new_job_words.is_vain(made),
            once=secrets.token_urlsafe(16),
        )

    async def start(self, visit: Visit) -> Response:
        """Makes the job; the same form sent twice makes one."""
        filled = read(visit.form)
        if filled.errors:
            return await self._form(visit, filled, 422)
        headers = {"idempotency-key": visit.form.get("once", "")}
        try:
            job: JobView = await self._ask(visit, "POST", _JOBS, body=filled.body, headers=headers)
        except GatewayError as error:
            return await self._refused(visit, filled, error)
        return RedirectResponse(f"{home(visit.tenant)}/jobs/{job.id}", 303, HEADERS)

    async def _refused(self, visit: Visit, filled: Filled, error: GatewayError) -> Response:
        """The form again, with the error at its field, or above it."""
        field = error_at(error.param, filled)
        if field is None:
            return await self._form(visit, filled, error.kind.status, words.refusal(error))
        wrong = replace(filled, errors={field: new_job_words.wrong(field, error)})
        return await self._form(visit, wrong, error.kind.status)

    async def _form(self, visit: Visit, filled: Filled, status: int = 200, told: Told | None = None) -> Response:
        offer = await self._offer(visit, filled.form.get("provider", ""))
        likely = [offer.provider.default_model] if offer.provider else []
        likely += shipped().defaults.values()
        response = await self._draw(
            visit,
            "new_job.html",
            status,
            filled=filled,
            offer=offer,
            told=told,
            label=filled.form.get("label") or new_job_words.suggested(self._visiting.clock()),
            chosen=chosen_model(offer.models, filled.form.get("base_model", ""), likely),
            backends=new_job_words.BACKENDS,
            unsupported=unsupported.NAMES,
            openai_kinds=OPENAI_KINDS,
        )
        if status != 200 and visit.is_fragment:  # asked for by the preview's page, whose place the form takes
            response.headers.update({"hx-retarget": "#new", "hx-reswap": "outerHTML"})
        return response

    async def _offer(self, visit: Visit, wanted: str) -> _Offer:
        providers: list[ProviderView] = (await self._ask(visit, "GET", TENANT + "/providers")).items
        vault: VaultView | None = None
        try:
            vault = await self._ask(visit, "GET", TENANT + "/vault")
        except GatewayError as error:
            if error.code != "vault_not_configured":
                raise
        provider = chosen_provider(providers, wanted)
        models: list[BaseModelView] = []
        unlisted = None
        if provider is not None and vault is not None:
            try:
                models = await self._models(visit, provider)
            except GatewayError as error:
                unlisted = words.refusal(error)
        return _Offer(providers, vault, provider, models, unlisted)

    async def _models(self, visit: Visit, provider: ProviderView) -> list[BaseModelView]:
        """What the provider offers. Raises GatewayError; also where it takes its time."""
        names = {**visit.names, "provider": provider.name}
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                asking = self._api.ask(visit.visitor, "GET", TENANT + "/providers/{provider}/base-models", names)
                models: list[BaseModelView] = (await asking).body
        except TimeoutError:
            raise GatewayError("upstream_timeout") from None
        return models

    async def _draw(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        firm = await self._ask(visit, "GET", TENANT)
        back = home(visit.tenant)
        return self._visiting.draw(visit, template, status, firm=firm, tab="models", back=back, **values)

    async def _ask(
        self,
        visit: Visit,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        return (await self._api.ask(visit.visitor, method, path, visit.names, body=body, headers=headers)).body
