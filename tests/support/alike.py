"""What attempts of calls that nobody made say alike."""

from functools import lru_cache
from typing import Any

from msgspec import Struct

from gateway.alike import Alike, Tried
from gateway.spans import Attempt, tried


class Facts(Struct, frozen=True):
    """What the spans of a call have of it."""

    call_id: str
    tenant: str
    workflow: str | None
    requested_model: str | None
    revision: int


def alike_of(said: Tried | None, **changes: Any) -> Alike:
    """What a call says that came to this."""
    fields: dict[str, Any] = {
        "tenant": "acme",
        "key_id": "key_1",
        "workflow": None,
        "endpoint": "chat/completions",
        "requested_model": "gpt-4o-mini",
        "routed_model": said.routed_model if said else None,
        "served_model": said.served_model if said else None,
        "provider": "main",
        "fine_tuned": True,
        "reason": "active_job",
        "job_id": None,
        "revision": 1,
        "attempts": 1 if said else 0,
        "status": 200,
        "error": None,
        "stream": False,
        "cancelled": False,
        **changes,
    }
    return Alike(**fields, tried=said)


def span_facts(attempt: Attempt, facts: Facts) -> tuple[str, Alike]:
    """The call's id, and what else a span says of it and of its attempt: of the same values the same object."""
    return facts.call_id, _alike(facts.tenant, facts.workflow, facts.requested_model, facts.revision, tried(attempt))


@lru_cache(1000)
def _alike(tenant: str, workflow: str | None, requested: str | None, revision: int, said: Tried) -> Alike:
    return alike_of(said, tenant=tenant, workflow=workflow, requested_model=requested, revision=revision)
