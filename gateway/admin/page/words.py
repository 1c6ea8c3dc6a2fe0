"""What codes mean to somebody who is no engineer, and what to do: errors, a job's failure, warnings, states. Pure."""

from msgspec import Struct

from gateway.errors import GatewayError


def who(key_id: str, label: str) -> str:
    """Whose key it was."""
    return "the platform’s first key" if key_id == "key_bootstrap" else label or key_id


class Told(Struct, frozen=True):
    """`title` in a few words, `text` what happened, `todo` what to do ("" where nothing can be done)."""

    title: str
    text: str
    todo: str = ""


_TRY_AGAIN = "Try again in a moment. If it stays so, tell whoever runs this gateway."
_REFUSALS: dict[str, tuple[str, str]] = {
    "invalid_api_key": ("This key does not work", "Check that all of it was pasted, or ask for a new one."),
    "forbidden_role": (
        "This key may not do that",
        "Sign in with a key of the role tenant_admin or platform_admin.",
    ),
    "tenant_mismatch": ("This is another firm’s page", "Your key opens your own firm’s page alone."),
    "tenant_not_found": ("There is no such firm", "Check the address; the firm may have been deleted."),
    "job_not_found": ("There is no such job", "It may have been erased. The list of jobs has those that are kept."),
    "job_not_ready": ("The job is not ready yet", "A model can be activated once its job is ready."),
    "job_finished": ("The job is over", "There is nothing left to cancel."),
    "provider_not_configured": ("The provider is missing", "Set it up again under the name that the job has."),
    "provider_auth_failed": ("The provider refused the firm’s credential", "Give its API key anew."),
    "vault_not_configured": ("There is no Vault yet", "Say in the settings where the firm’s documents are."),
    "vault_test_busy": ("Other Vaults are being tested", "Try again in a moment."),
    "preview_busy": ("Another preview is being made", "Try again in a moment."),
    "preview_failed": ("The preview could not be made", f"You can start without it. {_TRY_AGAIN}"),
    "preview_timed_out": ("The preview took too long", "Try again, or start without it: a job may take its time."),
    "idempotency_key_reused": ("This form has made a job already", "Look at the list of jobs, or begin a new one."),
    "upstream_timeout": ("The provider did not answer in time", "Try again in a moment."),
    "upstream_unreachable": ("The provider cannot be reached", "Check its address in the settings."),
    "call_not_found": (
        "There is no record of this call",
        "Check its id. Records end with their age, or where newer ones need their place.",
    ),
    "invalid_field": ("One field cannot be used as it is", "Go back and correct it."),
    "api_key_required": (
        "The secret is needed again",
        "It was given for another place; nobody sends it elsewhere unasked.",
    ),
    "address_not_allowed": ("This address is not allowed", ""),
    "provider_in_use": ("The provider is in use", "Use the stock model first, or wait until the job is over."),
    "key_not_found": ("There is no such key", "Somebody may have revoked it already."),
    "vault_not_allowed": ("This place may not be read", "Ask whoever runs this gateway to allow it."),
    "vault_unreadable": (
        "The Vault could not be read",
        "Nothing was changed. Check its address and credentials in the settings, then try again.",
    ),
    "not_found": ("There is nothing here", "Go back to the start."),
    "method_not_allowed": ("That does not work here", "Go back to the start."),
    "conflict": ("Somebody else was changing this too", "Look at what is on now, then try again."),
    "cross_site": ("Nothing was changed", "Open the page again and repeat it there."),
    "too_many_attempts": (
        "Too many attempts",
        "Wait a few minutes. Everybody behind one address counts together.",
    ),
    "store_unavailable": ("The gateway’s store cannot be reached", f"Calls go on as before. {_TRY_AGAIN}"),
    "store_full": (
        "The gateway’s store is full",
        "Calls go on as before. Ask whoever runs this gateway to give its store more memory, then try again.",
    ),
    "store_unsaved": (
        "The gateway’s store cannot write to its disk",
        "Calls go on as before. Tell whoever runs this gateway, and try again once there is room.",
    ),
    "store_diverged": ("Changes are stopped", "Calls go on as before. A platform admin must say which state holds."),
    "internal_error": ("Something went wrong here", _TRY_AGAIN),
}


_SAID = frozenset({"tenant_not_found", "job_not_found", "key_not_found"})  # by the title; the API speaks of ids


def refusal(error: GatewayError) -> Told:
    """An error of the API's, in words."""
    title, todo = _REFUSALS.get(error.row) or _REFUSALS.get(error.code, ("That did not work", ""))
    return Told(title, "" if error.code in _SAID else error.message, todo)


_NEW_JOB = "Then start a new job; nothing of this one is lost."
_FAILURES: dict[str, tuple[str, str]] = {
    "vault_too_small": (
        "The Vault has too few documents that are ready",
        "Mark more documents as ready, ten at the least. Below a few hundred, retrieval does better than training.",
    ),
    "vault_unreadable": (
        "The Vault could not be read",
        f"Check its address and credentials in the settings. {_NEW_JOB}",
    ),
    "provider_not_configured": ("The provider is missing", f"Set it up again in the settings. {_NEW_JOB}"),
    "provider_auth_failed": (
        "The provider refused the firm’s credential",
        f"Give a working API key in the settings, one that may fine-tune. {_NEW_JOB}",
    ),
    "backend_not_supported_yet": (
        "This way of training is not supported yet",
        "Choose the backend openai, with a provider that speaks the OpenAI API.",
    ),
    "base_model_not_tunable": (
        "This base model cannot be trained",
        "Choose another base model: it may have been retired, or the account may lack access to it.",
    ),
    "training_file_rejected": (
        "The provider refused the training data",
        "Read its words above. Often a document breaks its usage rules: take it out of the Vault, then start anew.",
    ),
    "training_failed": (
        "Training failed at the provider",
        "Read its words above. If they name no cause of yours, start the job again; providers fail at times.",
    ),
    "provider_job_missing": (
        "The provider no longer has this job",
        "Somebody may have deleted it there, or the API key is of another account now. Start a new job.",
    ),
    "cost_limit_exceeded": (
        "It would have cost more than the limit",
        "Raise the limit, or train on fewer documents. Nothing was spent.",
    ),
    "deadline_exceeded": (
        "It took too long and was stopped",
        "Look at the provider’s status page, then start a new job.",
    ),
}


def failure(code: str, message: str) -> Told:
    """Why a job failed."""
    title, todo = _FAILURES.get(code, ("The job failed", "Start a new job; if it fails again, ask for help."))
    return Told(title, message, todo)


_RENEW = "Make a new job of the same data on a newer base model."
_WARNINGS: dict[str, tuple[str, str]] = {
    "small_vault": (
        "Few documents",
        "Stay with retrieval, or add documents.",
    ),
    "files_not_deleted": ("Files are left at the provider", "Delete them in the provider’s own console."),
    "model_refused": (
        "The provider refused this model lately",
        "The stock model answered in its place. Check at the provider whether the model is still there.",
    ),
    "vault_too_small": (
        "Too few documents are ready",
        "Such a job fails. Mark more documents as ready; until then, stay with retrieval.",
    ),
    "backend_not_supported_yet": ("This way of training is not supported yet", "Choose another one."),
    "file_full": ("Not all of it is trained on", ""),
    "teacher_not_asked": ("The teacher is not asked yet", ""),
    "cost_limit_exceeded": (
        "It would cost more than the limit",
        "Such a job ends before anything is spent. Raise the limit, or train for fewer epochs.",
    ),
    "results_missing": ("The training curve is not complete", ""),
    "rule_off": ("The rule is off", "As long as it is, every call stays with the stock model."),
    "tenant_suspended": ("The firm is suspended", "A platform admin can lift that."),
    "not_acknowledged": ("Not everywhere yet", "The rest follows by itself as soon as it is reachable."),
    "retired": ("The model has been retired", _RENEW),
    "retires_in_7_days": ("The model is retired within a week", _RENEW),
    "retires_in_30_days": ("The model is retired within a month", _RENEW),
    "retires_in_90_days": ("The model is retired within three months", _RENEW),
}


def warning(code: str, message: str) -> Told:
    """A warning of a job's or an activation's."""
    title, todo = _WARNINGS.get(code, ("To be noted", ""))
    return Told(title, message, todo)


class State(Struct, frozen=True):
    """A job's state for its readers. `tone` is a class of the style sheet."""

    label: str
    text: str
    tone: str


STATES: dict[str, State] = {
    "queued": State("Waiting", "A worker will take it up in a moment.", "busy"),
    "snapshotting": State("Reading the Vault", "The firm’s documents become training examples.", "busy"),
    "uploading": State("Sending", "The training data goes to the provider.", "busy"),
    "training": State("Training", "The provider is training. This takes minutes to hours.", "busy"),
    "ready": State("Ready", "The model can be activated.", "good"),
    "failed": State("Failed", "No model came of it.", "bad"),
    "cancelled": State("Cancelled", "It was ended before there was a model.", "quiet"),
}

STAGES: dict[str, str] = {
    "reading": "reading documents",
    "clustering": "finding near-duplicates",
    "teaching": "asking the teacher",
    "writing": "writing examples",
    "training": "training steps",
}

SKIPPED: dict[str, str] = {
    "not_ready": "not marked as ready",
    "too_short": "too short to learn from",
    "too_long": "too long for one example",
    "duplicate": "the same text again",
    "near_duplicate": "nearly the same text again",
    "repeated_answer": "an answer that another example has",
    "placeholder": "a placeholder that cannot be known",
    "extract_share": "more extracts than are good",
    "file_full": "the training file was full",
    "bad_record": "records that cannot be read",
    "contents": "tables of contents",
    "signature": "signature blocks",
    "markup": "markup without text",
    "table": "tables",
    "heading": "headings alone",
    "item": "lists alone",
    "teacher_unanswered": "the teacher did not answer",
}


def skipped(reason: str) -> str:
    """Why something was left out."""
    return SKIPPED.get(reason, reason.replace("_", " "))
