"""The record of what the sandbox received: the judge of "which model did the provider get".

Values and a bounded list; journal.py fills it. Never a credential, never a body.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec
from msgspec import Struct

MOST_CALLS = 10_000


class Call(Struct, frozen=True, kw_only=True):
    """One request under /v1. `status` is what the caller was sent, None while nothing was."""

    time: float
    account_hint: str | None
    method: str
    path: str
    model: str | None
    status: int | None
    stream: bool
    headers: dict[str, str]
    body_sha256: str | None
    request_id: str
    account_id: str | None


class CallLog:
    """The last calls, oldest first. A call is there from its arrival on."""

    def __init__(self, most: int = MOST_CALLS) -> None:
        self._most = most
        self._calls: OrderedDict[str, Call] = OrderedDict()

    def arrived(self, call: Call) -> None:
        self._calls[call.request_id] = call
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def answered(self, request_id: str, status: int) -> None:
        self._change(request_id, status=status)

    def received(self, request_id: str, body_sha256: str) -> None:
        self._change(request_id, body_sha256=body_sha256)

    def all(self) -> list[Call]:
        return list(self._calls.values())

    def _change(self, request_id: str, **changes: object) -> None:
        if request_id in self._calls:
            self._calls[request_id] = msgspec.structs.replace(self._calls[request_id], **changes)
