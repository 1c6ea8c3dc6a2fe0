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


def span_facts(attempt: Attempt, facts: Facts) -> tuple[str, Alike]:
    """The call's id, and what else a span says of it and of its attempt: of the same values the same object."""
    return facts.call_id, _alike(facts.tenant, facts.workflow, facts.requested_model, facts.revision, tried(attempt))


@lru_cache(1000)
def _alike(tenant: str, workflow: str | None, requested: str | None, revision: int, said: Tried) -> Alike:
    rest: dict[str, Any] = {
        "key_id": "key_1",
        "endpoint": "chat/completions",
        "routed_model": said.routed_model,
        "served_model": said.served_model,
        "provider": "main",
        "fine_tuned": said.fine_tuned,
        "reason": said.reason,
        "job_id": said.job_id,
        "attempts": 1,
        "status": 200,
        "error": None,
        "stream": said.stream,
        "cancelled": False,
    }
    return Alike(tenant=tenant, workflow=workflow, requested_model=requested, revision=revision, tried=said, **rest)
