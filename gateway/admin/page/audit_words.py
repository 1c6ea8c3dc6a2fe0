"""What an audit record says was done, for somebody who is no engineer. Pure."""

from collections.abc import Mapping
from typing import Any

from gateway.admin.page.rendering import share
from gateway.audit import AuditRecord

# What the API's filter takes: a whole action, or the beginning of several.
GROUPS: dict[str, str] = {
    "activate": "Activations",
    "stock": "Returns to the stock model",
    "job.": "Jobs",
    "tenant.": "The firm’s settings",
    "provider.": "Providers",
    "vault.": "The Vault",
    "key.": "Keys",
    "sign_in": "Signing in",
    "sign_out": "Signing out",
}
_PLAIN: dict[str, str] = {
    "stock": "went back to the stock model",
    "key.change": "changed a key",
    "sign_in": "signed in",
    "sign_out": "signed out",
    "store.accept": "said which state of the store holds",
}
# Before the label of what was done it to, and after it.
_LABELLED: dict[str, tuple[str, str]] = {
    "job.make": ("started the job", ""),
    "job.recreate": ("started the job", ", of an earlier job’s data"),
    "job.import": ("imported a model as", ""),
    "job.cancel": ("cancelled the job", ""),
    "job.ready": ("finished the job", ": its model is ready"),
    "job.retirement": ("noted when the model of", " retires"),
    "provider.delete": ("took the provider", " away"),
    "key.make": ("made the key", ""),
    "key.revoke": ("revoked the key", ""),
}
_FIRM: dict[str, str] = {
    "name": "name",
    "rule": "rule",
    "fallback": "fallback",
    "suspended": "suspension",
    "allowed_paths": "further routes",
    "cost_limit_usd": "limit of cost",
}


def jobs_of(record: AuditRecord) -> list[str]:
    """The ids of the jobs whose labels its words need."""
    found = [_field(side, "job_id") for side in (record.before, record.after)]
    return [job_id for job_id in found if job_id]


def done(record: AuditRecord, labels: Mapping[str, str]) -> str:
    """What was done, as the end of a sentence that begins with who did it. `labels` are of jobs, by their ids."""
    action = record.action
    if action == "activate":
        return _activated(record, labels)
    if action == "tenant.put":
        return _firm(record)
    if action == "provider.put":
        return f"{'changed' if record.before else 'added'} the provider {_label(record, labels)}"
    if action == "vault.put":
        chunks = _field(record.after, "ready_chunks")
        return f"saved the Vault, with {chunks} ready chunks" if chunks else "saved the Vault"
    if action in _LABELLED:
        begin, end = _LABELLED[action]
        return f"{begin} {_label(record, labels)}{end}"
    return _PLAIN.get(action, action)


def _activated(record: AuditRecord, labels: Mapping[str, str]) -> str:
    part = record.after.get("share", 1.0) if isinstance(record.after, dict) else 1.0
    of = "all calls" if part >= 1 else f"{share(part)} of the calls"
    label = _label(record, labels)
    again = _field(record.before, "job_id") == _field(record.after, "job_id") != ""
    return f"had {label} answer {of} from then on" if again else f"activated {label} for {of}"


def _firm(record: AuditRecord) -> str:
    if not isinstance(record.before, dict) or not isinstance(record.after, dict):
        return "made the firm"
    changed = [words for name, words in _FIRM.items() if record.before.get(name) != record.after.get(name)]
    return f"changed the firm’s settings: {', '.join(changed)}" if changed else "changed the firm’s settings"


def _label(record: AuditRecord, labels: Mapping[str, str]) -> str:
    """What it was done to, by its label, its name, or else its id."""
    for side in (record.after, record.before):
        job_id = _field(side, "job_id")
        found = labels.get(job_id, job_id) or _field(side, "label") or _field(side, "name") or _field(side, "id")
        if found:
            return f"“{found}”"
    return "that was there"


def _field(side: Any, name: str) -> str:
    return str(side[name]) if isinstance(side, dict) and side.get(name) else ""
