"""Which base models a tenant's provider offers for fine-tuning: its own list, judged by what is shipped."""

from collections.abc import Sequence

from finetune import retirement
from finetune.base_models import is_fine_tuned_id, is_text_model, same_model, shipped
from finetune.retirement import Dates
from gateway.admin.changes import Control
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.provider_models import ERRORS, Listed, ProviderModels
from gateway.admin.schemas import BaseModelView
from gateway.errors import GatewayError
from policies.access import Action

_NOT_LISTED = "The provider does not list it for this account."


class BaseModels:
    """The operation."""

    def __init__(self, control: Control, provider_models: ProviderModels) -> None:
        self._control = control
        self._provider_models = provider_models

    def routes(self) -> list[AdminRoute]:
        """The rows of the API's table."""
        path = "/tenants/{tenant}/providers/{provider}/base-models"
        return [AdminRoute("GET", path, Action.RUN_JOBS, self.list, answer=list[BaseModelView], errors=ERRORS)]

    async def list(self, asked: Asked) -> Answered:
        """Lists the provider's stock models, those that can be tuned first.

        The provider is asked, with the tenant's own credential. What speaks against a model is said with it.
        """
        tenant, _ = await self._control.tenant(asked.tenant)
        name = asked.path["provider"]
        if name not in tenant.providers:
            raise GatewayError("provider_not_configured", f"The tenant has no provider {name!r}.")
        listed = await self._provider_models.models(tenant, name)
        return Answered(offered(listed, tenant.providers[name].kind, self._control.now()))


def offered(listed: Sequence[Listed], kind: str, now: str) -> list[BaseModelView]:
    """The models that a provider lists and those that it is known to tune, each with what speaks against it."""
    told = {one.id: one.shutdown_date for one in listed if one.shutdown_date is not None}
    dates = retirement.of(told)
    names = {one.id for one in listed if not is_fine_tuned_id(one.id) and one.parent is None and is_text_model(one.id)}
    views = [_view(name, kind, dates, now, None) for name in names]
    views += [_view(name, kind, dates, now, _NOT_LISTED) for name in shipped().offer(kind).tunable if name not in names]
    return sorted(views, key=lambda view: (not view.tunable, view.model))


def _view(model: str, kind: str, dates: Dates, now: str, otherwise: str | None) -> BaseModelView:
    reason = dates.why_not_tunable(model, kind, now) or otherwise or _unknown(model, kind)
    return BaseModelView(model, reason is None, reason, dates.retires_at(model, kind))


def _unknown(model: str, kind: str) -> str | None:
    """Of a kind whose tunable models are known, another one is not offered; a job that names it is tried all the same,
    since the provider may know better by now."""
    known = shipped().offers.get(kind)
    if known is None or any(same_model(model, one) for one in known.tunable):
        return None
    return f"It is not known to be tunable, by the shipped data as of {shipped().as_of}."
