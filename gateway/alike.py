"""What many calls say alike: all that spans and Why records tell of a call but its ids, its times and its tokens. Few
calls differ in it, so whoever tells of calls keeps what follows from it, by the object. Values only.
"""

from msgspec import Struct


class Tried(Struct, frozen=True):
    """What attempts at an upstream say alike: where they went, with which model and why, and how they ended."""

    operation: str
    provider_kind: str
    host: str | None
    port: int | None
    fine_tuned: bool
    reason: str
    job_id: str | None
    routed_model: str | None
    stream: bool
    status: int | None
    error: str | None
    served_model: str | None
    finish_reasons: tuple[str, ...]


class Alike(Struct, frozen=True, eq=False):
    """What calls of a known tenant say alike: the same object for the next such call, while it is remembered. Never for
    another's.

    Up to `cancelled` the fields are those of a Why record. `tried`: one attempt, of the call that its span tells of, or
    the last one; None where there was none.
    """

    tenant: str
    key_id: str
    workflow: str | None
    endpoint: str
    requested_model: str | None
    routed_model: str | None
    served_model: str | None
    provider: str | None
    fine_tuned: bool
    reason: str | None
    job_id: str | None
    revision: int
    attempts: int
    status: int
    error: str | None
    stream: bool
    cancelled: bool
    tried: Tried | None = None


class Own(Struct, frozen=True):
    """What a call says that no other says: the other fields of a Why record."""

    call_id: str
    trace_id: str
    span_id: str | None
    time: str
    response_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    duration_ms: float
    time_to_first_chunk_ms: float | None
