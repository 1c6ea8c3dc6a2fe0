"""What each side of a call knows of it: the caller, the provider, the tenant's admin. Values only."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

Act = Literal["answer", "500", "429", "cut", "torn", "hold", "hold in stream", "garbage", "hang up"]
Leaves = Literal["", "before", "inside"]


class Tenant(Struct, frozen=True):
    """A tenant as its admin set it up. `tuned` is its fine-tune, of `job_id`; `active`: it is in force, for `share` of
    the calls; `refuses`: the provider refuses that model; `port` is the provider's, `silent_port` nobody's."""

    name: str
    credential: str
    key: str
    key_id: str
    stock: str
    tuned: str
    job_id: str
    revision: int
    port: int
    silent_port: int
    active: bool
    share: float = 1.0
    rule: str = "default_only"
    fallback: str = "stock"
    refuses: bool = False


class Ask(Struct, frozen=True):
    """A call as its caller makes it. `path` without `/v1/`; `act` is what the provider is asked to do; `refusal` the
    gateway's error that must come of it, and its status; `unreachable`: the provider's address is nobody's."""

    number: int
    kind: str
    tenant: str
    path: str
    model: str | None
    body: bytes
    stream: bool = False
    act: Act = "answer"
    leaves: Leaves = ""
    key: str | None = None
    workflow: str | None = None
    opted_out: bool = False
    unreachable: bool = False
    refusal: tuple[int, str] | None = None
    trace_id: str | None = None
    parent_id: str | None = None
    tracestate: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What it says beside its key."""
        parent = f"00-{self.trace_id}-{self.parent_id}-01" if self.trace_id else None
        said = {
            "content-type": "application/json",
            "x-number": str(self.number),
            "x-act": self.act,
            "x-workflow": self.workflow,
            "x-model-policy": "stock" if self.opted_out else None,
            "x-provider": "silent" if self.unreachable else None,
            "traceparent": parent,
            "tracestate": self.tracestate,
        }
        return {name: value for name, value in said.items() if value is not None}


class Told(Struct, frozen=True):
    """What an answer has said of itself so far."""

    model: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class Received(Struct):
    """A request as the provider had it, and what it answered. `status` is None where it answered nothing; `body`: part
    of an answer's body was sent; `end`: how the answer ended."""

    number: int
    credential: str
    path: str
    model: str | None
    trace_id: str
    span_id: str
    flags: str
    tracestate: str | None
    stream: bool
    status: int | None = None
    told: Told = Told()
    body: bool = False
    events: bool = False
    end: Literal["", "whole", "cut", "gone", "refused"] = ""


class Heard(Struct):
    """What the caller had. `status` is 0 where no answer came; `whole`: it ended as it should; seconds since the
    epoch."""

    status: int = 0
    headers: dict[str, str] = {}
    whole: bool = False
    begun: float = 0.0
    ended: float = 0.0

    @property
    def call_id(self) -> str | None:
        """The gateway's name for the call, where an answer said it."""
        return self.headers.get("x-call-id")


class Case(Struct):
    """All that is known of one call. `spans` are dicts, see `spans.as_dict`; `records` as the admin API has them."""

    ask: Ask
    tenant: Tenant
    received: list[Received]
    heard: Heard
    spans: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []


def changed(value: Any, **fields: Any) -> Any:
    """A struct with other fields."""
    return msgspec.structs.replace(value, **fields)
