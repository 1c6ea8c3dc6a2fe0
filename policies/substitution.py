"""Which model answers a call, and why: the contract's table, as a table.

`decide` takes the first row that applies. Nothing here knows of HTTP, bodies or clocks.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from policies.values import Call, Decision, FineTune, Provider, Reason, Refusal, Route

# (provider account, model `known_as`) → the tenants whose fine-tune it is.
Owners = Mapping[tuple[str, str], Collection[str]]

_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
_REFUSAL_CODES = frozenset(
    {"model_not_found", "invalid_model", "model_not_available", "DeploymentNotFound"},
)


class Situation(Struct, frozen=True):
    """One call on one route. `provider` is where the call goes unless a fine-tune lives elsewhere."""

    call: Call
    route: Route
    provider: Provider
    owners: Owners

    @property
    def own(self) -> FineTune | None:
        """The tenant's fine-tune that the call names outright."""
        return self.route.fine_tunes.get(self.call.requested or "")


class Row(Struct, frozen=True):
    """A row of the table: its name, when it applies, what follows."""

    reason: Reason
    applies: Callable[[Situation], bool]
    then: Callable[[Situation, Reason], Decision | Refusal]


def decide(call: Call, route: Route, owners: Owners, *, active_refused: bool = False) -> Decision | Refusal:
    """Decides where `call` goes.

    `active_refused`: the upstream refused the active model a moment ago, and that is still remembered.
    """
    name = call.provider or route.default_provider
    provider = route.providers.get(name or "")
    if provider is None:
        return Refusal("provider_not_configured")
    situation = Situation(call, route, provider, owners)
    decision = next(row.then(situation, row.reason) for row in TABLE if row.applies(situation))
    if active_refused and isinstance(decision, Decision):
        decision = fall_back(decision, call, route, owners) or decision
    return _possible(decision, route, owners)


def fall_back(refused: Decision, call: Call, route: Route, owners: Owners) -> Decision | None:
    """The second attempt after the upstream refused the model of `refused`, or None where there is none."""
    if refused.reason is not Reason.ACTIVE_JOB or route.fallback != "stock":
        return None
    provider = route.providers.get(call.provider or route.default_provider or "")
    if provider is None:
        return None
    stock = Decision(Reason.FALLBACK_STOCK, False, provider.name, stock_model(call, provider), None)
    return stock if _possible(stock, route, owners) is stock else None


def _possible(decision: Decision | Refusal, route: Route, owners: Owners) -> Decision | Refusal:
    """The decision, unless its provider is not there, or a provider's default model is another tenant's."""
    if isinstance(decision, Refusal):
        return decision
    provider = route.providers.get(decision.provider)
    if provider is None:
        return Refusal("provider_not_configured")
    if decision.model is not None and is_foreign(decision.model, provider, route, owners):
        return Refusal("model_not_found", Reason.FOREIGN_FINE_TUNE)
    return decision


def refuses_model(status: int, code: str | None) -> bool:
    """Whether an upstream's answer refuses the *model*, rather than the call."""
    return status == 404 or (status in (400, 403) and code in _REFUSAL_CODES)


def stock_model(call: Call, provider: Provider) -> str:
    """The asked model, or the provider's default where the caller left the choice open."""
    return provider.default_model if call.requested in (None, "", "default") else str(call.requested)


def in_fine_tuned_arm(tenant: str, job_id: str, key: str, share: float) -> bool:
    """Whether `key` falls in the fine-tuned arm: 8 bytes of SHA-256 as a fraction of 2⁶⁴, below `share`.

    The parts are joined by NUL; a tenant's or job's name cannot contain it, so they stay apart.
    """
    digest = hashlib.sha256("\0".join((tenant, job_id, key)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def same_model(asked: str, base: str) -> bool:
    """Whether `asked` names `base`, dated or undated; two different dates are two models."""
    return asked == base or asked == _DATE.sub("", base) or _DATE.sub("", asked) == base


def is_foreign(model: str, provider: Provider, route: Route, owners: Owners) -> bool:
    """Whether `model` at `provider` is a fine-tune that is not known as this tenant's."""
    owning = owners.get((provider.account, known_as(model)), ())
    if owning:
        return route.tenant not in owning
    return any(part.startswith("ft:") for part in known_as(model).split("/")) and model not in route.fine_tunes


def known_as(model: str) -> str:
    """A model's name as `Owners` has it: some providers take it in any case, with blanks or a mark around it."""
    return model.strip("\ufeff \t\r\n").casefold()


def _foreign(s: Situation) -> bool:
    if not s.call.requested or (s.call.rewritten and s.own):
        return False  # the tenant's own goes to the provider that it lives at, whichever was named
    return is_foreign(s.call.requested, s.provider, s.route, s.owners)


def _not_default(s: Situation) -> bool:
    asked = s.call.requested
    if s.route.rule == "all" or asked in (None, "", "default", s.provider.default_model):
        return False
    return not (s.route.active and same_model(str(asked), s.route.active.base_model))


def _in_stock_arm(s: Situation) -> bool:
    active = s.route.active
    return active is not None and not in_fine_tuned_arm(
        s.route.tenant,
        active.job_id,
        s.call.arm_key,
        s.route.share,
    )


def _refuse(_: Situation, reason: Reason) -> Refusal:
    return Refusal("model_not_found", reason)


def _as_asked(s: Situation, reason: Reason) -> Decision:
    return Decision(reason, False, s.provider.name, None, None)


def _stock(s: Situation, reason: Reason) -> Decision:
    model = stock_model(s.call, s.provider)
    return Decision(reason, False, s.provider.name, None if model == s.call.requested else model, None)


def _own(s: Situation, reason: Reason) -> Decision:
    assert s.own is not None  # noqa: S101 - the row applied
    return Decision(reason, True, s.own.provider, None, s.own.job_id)


def _active(s: Situation, reason: Reason) -> Decision:
    active = s.route.active
    assert active is not None  # noqa: S101 - the row no_active_job did not apply
    return Decision(reason, True, active.provider, active.model, active.job_id)


TABLE: tuple[Row, ...] = (
    Row(Reason.FOREIGN_FINE_TUNE, _foreign, _refuse),
    Row(Reason.ENDPOINT_NOT_TUNABLE, lambda s: not s.call.rewritten, _as_asked),
    Row(Reason.PINNED_FINE_TUNE, lambda s: s.own is not None, _own),
    Row(Reason.OPTED_OUT, lambda s: s.call.opted_out, _stock),
    Row(Reason.NO_ACTIVE_JOB, lambda s: s.route.active is None or s.route.rule == "off", _stock),
    Row(Reason.MODEL_NOT_DEFAULT, _not_default, _as_asked),
    Row(Reason.STOCK_ARM, _in_stock_arm, _stock),
    Row(Reason.ACTIVE_JOB, lambda _: True, _active),
)
