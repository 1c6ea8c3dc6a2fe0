"""One request to the provider, as the middleware and the routes share it: who, when, which model.

Holds what was found out and finds it out once; decides nothing about the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from finetune.sandbox.calls import CallLog
from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.faults import FaultBook
from finetune.sandbox.store import Account, Store
from finetune.sandbox.values import SandboxSettings

_SHOWN_FROM = 8
CREDENTIALS = frozenset({"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class Sandbox:
    """Everything one running sandbox consists of."""

    settings: SandboxSettings
    store: Store
    clock: Callable[[], float] = time.time
    faults: FaultBook = field(default_factory=FaultBook)
    calls: CallLog = field(default_factory=CallLog)
    background: set[asyncio.Task[None]] = field(default_factory=set)
    """Training under way."""
    directory: Path = field(default_factory=lambda: Path(gettempdir()))
    """Where file contents lie; one of its own while the app runs."""


@dataclass(slots=True)
class Exchange:
    """What is known about the request under way."""

    request_id: str
    key: str | None
    model: str | None = None
    reported_status: str | None = None
    """The status that jobs report in this answer, if a fault says so."""

    @property
    def account_id(self) -> str | None:
        return account_id(self.key) if self.key else None


def account_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def hint(key: str) -> str:
    return key[-4:]


def bearer(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def exchange_in(scope: Scope) -> Exchange:
    return cast("Exchange", scope["state"]["exchange"])


def sandbox_of(request: Request) -> Sandbox:
    return cast("Sandbox", request.app.state.sandbox)


def account_of(request: Request) -> Account:
    """The account of the request's key, brought up to date; 401 without a usable key."""
    key = exchange_in(request.scope).key
    if key is None:
        raise ApiError(Refusal.NO_KEY)
    if not key.startswith("sk-") or key == "sk-":
        raise ApiError(Refusal.WRONG_KEY, hint=_masked(key))
    sandbox = sandbox_of(request)
    account = sandbox.store.account(account_id(key))
    account.settle(sandbox.clock(), sandbox.directory)
    return account


def _masked(key: str) -> str:
    return f"{key[:5]}***{key[-2:]}" if len(key) >= _SHOWN_FROM else "***"
