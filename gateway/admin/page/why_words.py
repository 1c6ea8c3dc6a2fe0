"""What happened to a call and why, in words for somebody who is no engineer, and what to do. Pure."""

from markupsafe import Markup
from msgspec import Struct

from gateway.admin.page.rendering import moment
from gateway.why import WhyRecord

REASONS: dict[str, str] = {
    "active_job": "The firm’s model is active",
    "stock_arm": "In the stock part of a share",
    "no_active_job": "Nothing is activated",
    "model_not_default": "Asked for another model",
    "opted_out": "Asked for the stock model",
    "pinned_fine_tune": "Named this very model",
    "fallback_stock": "The provider refused the firm’s model",
    "endpoint_not_tunable": "No model to write into it",
    "foreign_fine_tune": "Named another firm’s model",
}


class Story(Struct, frozen=True):
    """A call in words. `tone` as of a job's state; `todo` is "" where nothing need be done."""

    title: str
    text: Markup
    todo: str
    tone: str


class Outcome(Struct, frozen=True):
    """How a call ended, for a list. `tone` as of a job's state."""

    label: str
    tone: str


def outcome(record: WhyRecord) -> Outcome:
    """How the call ended."""
    if record.cancelled:
        return Outcome("Left", "quiet")
    if _went_well(record):
        return Outcome("Answered", "good" if record.fine_tuned else "quiet")
    return Outcome("Failed" if record.attempts else "Refused", "bad")


def reason(code: str | None) -> str:
    """A reason in a few words."""
    return REASONS.get(code, code.replace("_", " ")) if code else "Refused before that"


def story(record: WhyRecord, job_label: str | None, active_since: str | None, asker: str) -> Story:
    """The call in words. `job_label`: of the record's job; `active_since`: RFC 3339, when its model was activated last
    before the call, where that is known; `asker`: whose key it was."""
    begin = Markup("On {} {} {}").format(moment(record.time), _asker(record, asker), _asked(record))
    who = _who(record, job_label)
    if record.cancelled:
        return _left(record, begin, who, active_since)
    if _went_well(record):
        text = Markup("{}; {} answered, because {}.").format(begin, who, _because(record, active_since))
        return Story(_title(record, job_label), text, _TODO.get(record.reason or "", ""), outcome(record).tone)
    if not record.attempts:
        cause, todo = _REFUSED.get(record.error or "", (f"of an error, {record.error or record.status}", _LOG))
        if record.reason == "foreign_fine_tune":
            cause, todo = _FOREIGN
        return Story(
            "The call was refused", Markup("{}; it was refused, because {}.").format(begin, cause), todo, "bad"
        )
    text = Markup("{}; {} was asked, because {}. {}").format(
        begin, who, _because(record, active_since), _failure(record)[0]
    )
    return Story("The call failed", text, _failure(record)[1], "bad")


def _left(record: WhyRecord, begin: Markup, who: Markup, active_since: str | None) -> Story:
    if not record.attempts:
        text = Markup("{}, and left before anything was sent to a provider.").format(begin)
    else:
        why = _because(record, active_since)
        text = Markup("{}; {} was asked, because {}, and the caller left before the answer’s end.").format(
            begin, who, why
        )
    todo = "Nothing, as long as it is rare. Where it happens often, callers may not wait long enough for their answers."
    return Story("The caller left", text, todo, "quiet")


def _went_well(record: WhyRecord) -> bool:
    return record.error is None and 0 < record.status < 400


def _title(record: WhyRecord, job_label: str | None) -> str:
    if record.reason == "endpoint_not_tunable":
        return "The call was passed on as it was"
    return f"The firm’s model {_named(record, job_label)} answered" if record.fine_tuned else "The stock model answered"


def _named(record: WhyRecord, job_label: str | None) -> str:
    label = job_label or record.job_id
    return f"“{label}”" if label else ""


def _asker(record: WhyRecord, asker: str) -> Markup:
    if record.workflow:
        return Markup("the workflow <i>{}</i> (key {})").format(record.workflow, asker)
    return Markup("the caller <i>{}</i>").format(asker)


def _asked(record: WhyRecord) -> Markup:
    model = record.requested_model
    if model == "default":
        return Markup("asked for the default model")
    return Markup("asked for <code>{}</code>").format(model) if model else Markup("asked without naming a model")


def _who(record: WhyRecord, job_label: str | None) -> Markup:
    if record.fine_tuned:
        label = job_label or record.job_id
        return Markup("the firm’s model <i>{}</i>").format(label) if label else Markup("the firm’s model")
    if record.reason == "endpoint_not_tunable":
        return Markup("the provider <i>{}</i>").format(record.provider) if record.provider else Markup("the provider")
    model = record.served_model or record.routed_model or record.requested_model
    return Markup("the stock model <code>{}</code>").format(model) if model else Markup("the stock model")


def _because(record: WhyRecord, active_since: str | None) -> Markup:
    if record.reason == "active_job" and active_since:
        return Markup("it had been active since {}").format(moment(active_since))
    if record.reason == "fallback_stock" and record.attempts > 1:
        return Markup("the provider, asked for the firm’s own model first, refused it")
    return _BECAUSE.get(record.reason or "") or Markup("of the reason <code>{}</code>").format(record.reason)


_BECAUSE: dict[str, Markup] = {
    "active_job": Markup("it was active"),
    "stock_arm": Markup("the firm’s own model answers a share of the calls, and this one was in the rest"),
    "no_active_job": Markup("no model of the firm’s own was active, or the rule was off"),
    "model_not_default": Markup("another model than the default was asked for, and the rule leaves those alone"),
    "opted_out": Markup("the call itself asked for that, with the header <code>X-Model-Policy: stock</code>"),
    "pinned_fine_tune": Markup("the call named that very model"),
    "fallback_stock": Markup("the provider had refused the firm’s own model a moment before"),
    "endpoint_not_tunable": Markup("its route (<code>/v1/…</code>) has no model that the gateway may write into it"),
    "foreign_fine_tune": Markup("it named a model of another firm’s"),
}

_TODO: dict[str, str] = {
    "stock_arm": "Nothing, while you compare the two. For all calls, change the share of the firm’s model.",
    "no_active_job": "Activate a model under Models if the firm’s own should answer.",
    "model_not_default": "If the firm’s model should answer here too, have the caller ask for the default model, or "
    "let the rule in the settings hold for all calls.",
    "opted_out": "Nothing, if that is meant. Whoever runs the caller can leave the header away.",
    "fallback_stock": "Look at the provider whether the model is still there. If it was retired, make a new job of the "
    "same data on a newer base model; if it comes back, so does the firm’s model, by itself.",
}

_LOG = "Whoever runs this gateway finds the call in its log by its id."
_CALLER = "Whoever runs the caller must change what it sends."
_FOREIGN = (
    "it named a model that is not this firm’s",
    "Look at which model the caller asks for. A model of the firm’s own must be made, or imported, here.",
)
_REFUSED: dict[str, tuple[str, str]] = {
    "tenant_suspended": ("the firm was suspended", "A platform admin can lift that."),
    "provider_not_configured": ("the firm had no such provider", "Set the provider up in the settings."),
    "endpoint_not_supported": (
        "the provider cannot serve this route",
        "Send it to another provider, or change what it calls.",
    ),
    "endpoint_not_allowed": ("this route is not relayed for the firm", "A platform admin can allow the route."),
    "model_not_found": _FOREIGN,
    "invalid_json": ("its body could not be read as JSON", _CALLER),
    "invalid_model_field": ("its model was no text", _CALLER),
    "malformed_request": ("it could not be read", _CALLER),
    "request_too_large": ("it was over the gateway’s limit", "Send less at once, or have the limit raised."),
    "headers_too_large": ("its headers were over the gateway’s limit", _CALLER),
    "request_timeout": ("it did not arrive in time", "Look at the network between the caller and the gateway."),
    "concurrency_limit_exceeded": ("too many calls came at once", "Try again; if it happens often, add replicas."),
    "draining": ("this replica was being shut down", "Nothing: callers try again and reach another replica."),
    "not_ready": ("this replica was not ready yet", "Nothing: callers try again and reach another replica."),
    "internal_error": ("the gateway itself failed", _LOG),
    "upgrade_not_supported": ("connections of that kind are not served here", "Use a streamed call."),
    "upstream_unreachable": (
        "the provider could not be reached",
        "Look at the provider’s status page and its address in the settings.",
    ),
}
_FAILED: dict[str, tuple[str, str]] = {
    "upstream_unreachable": (
        "The provider could not be reached.",
        "Look at the provider’s status page, and at its address in the settings.",
    ),
    "upstream_protocol_error": (
        "The provider’s answer could not be read.",
        "Check the provider’s address in the settings: it may lead to something else.",
    ),
    "upstream_disconnected": ("The answer was broken off before its end.", "Nothing, as long as it is rare."),
    "upstream_timeout": ("The provider did not answer in time.", "Look at the provider’s status page."),
    "draining": ("This replica was shut down before the answer’s end.", "Nothing: the caller may ask again."),
    "internal_error": ("The gateway itself failed on it.", _LOG),
}


def _failure(record: WhyRecord) -> tuple[str, str]:
    """What went wrong, and what to do. A status is the provider's own where there is no error of ours."""
    if record.error in _FAILED:
        return _FAILED[record.error]
    said = f"The provider answered with status {record.status}" if record.status else "There was no answer"
    if record.error:
        return f"{said} ({record.error}).", _LOG
    if record.status in (401, 403):
        return f"{said}: it refused the firm’s credential.", "Give the provider’s API key anew in the settings."
    if record.status == 404:
        return f"{said}: it does not know the model, or the route.", "Check the provider’s default model and address."
    if record.status == 429:
        return f"{said}: the account’s limit was reached.", "Ask the provider for a higher limit, or call less at once."
    if record.status >= 500:
        return f"{said}: the trouble was there.", "Look at the provider’s status page; the caller may try again."
    return f"{said}: it did not accept what was asked.", _CALLER
