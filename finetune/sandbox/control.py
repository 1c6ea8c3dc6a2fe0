"""/sandbox/*: how a trial or a test steers and watches the sandbox. No part of the provider's API.

Needs no key: whoever reaches the sandbox may use it. A bad order is a 422 that says what is wrong.
"""

from __future__ import annotations

from datetime import date
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from finetune.sandbox.exchange import account_id, hint, sandbox_of
from finetune.sandbox.faults import FaultOrder, Standing
from finetune.sandbox.jobviews import job_shown
from finetune.sandbox.store import new_id
from finetune.sandbox.wire import answer

T = TypeVar("T")


class ShutdownOrder(Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    shutdown_date: date | None


class BadOrderError(Exception):
    """An order that cannot be read or followed; the message is for whoever sent it."""


def _order(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadOrderError(str(error)) from None


def bad_order(_request: Request, error: Exception) -> Response:
    return answer({"error": {"message": f"Bad order: {error}", "code": "invalid_order"}}, 422)


def _standing_shown(standing: Standing) -> dict[str, object]:
    order = standing.order
    return {
        "id": standing.id,
        "match": order.match,
        "fault": order.fault,
        "times": order.times,
        "remaining": standing.remaining,
        "until": standing.until,
        "account_hint": hint(order.account) if order.account else None,
    }


async def order_fault(request: Request) -> Response:
    sandbox = sandbox_of(request)
    order = _order(await request.body(), FaultOrder)
    standing = Standing(
        id=new_id("fault-", 8),
        order=order,
        account_id=account_id(order.account) if order.account else None,
        remaining=order.times,
        until=None if order.for_seconds is None else sandbox.clock() + order.for_seconds,
    )
    sandbox.faults.add(standing)
    return answer(_standing_shown(standing), 201)


async def list_faults(request: Request) -> Response:
    return answer({"faults": [_standing_shown(one) for one in sandbox_of(request).faults.all()]})


async def clear_faults(request: Request) -> Response:
    return answer({"deleted": sandbox_of(request).faults.clear()})


async def list_calls(request: Request) -> Response:
    """All calls, or those of one account, named by its key or the key's last four characters."""
    wanted = request.query_params.get("account")
    calls = sandbox_of(request).calls.all()
    if wanted is not None:
        calls = [call for call in calls if wanted == call.account_hint or account_id(wanted) == call.account_id]
    hidden = {"account_id"}
    rows = [{k: v for k, v in msgspec.structs.asdict(call).items() if k not in hidden} for call in calls]
    return answer({"calls": rows})


async def list_jobs(request: Request) -> Response:
    """Every account's jobs, oldest first."""
    sandbox = sandbox_of(request)
    step, now = sandbox.settings.step_seconds, sandbox.clock()
    jobs = sorted(
        (job for account in sandbox.store.accounts() for job in account.jobs.values()),
        key=lambda job: job.created_at,
    )
    return answer({"jobs": [job_shown(job, step, now) | {"account_hint": job.account_hint} for job in jobs]})


async def set_shutdown(request: Request) -> Response:
    store = sandbox_of(request).store
    order = _order(await request.body(), ShutdownOrder)
    if not store.knows(order.model):
        raise BadOrderError(f"no model is called {order.model}")
    store.set_shutdown_date(order.model, order.shutdown_date.isoformat() if order.shutdown_date else None)
    return answer(order)


ROUTES = [
    Route("/sandbox/faults", order_fault, methods=["POST"]),
    Route("/sandbox/faults", list_faults, methods=["GET"]),
    Route("/sandbox/faults", clear_faults, methods=["DELETE"]),
    Route("/sandbox/calls", list_calls, methods=["GET"]),
    Route("/sandbox/jobs", list_jobs, methods=["GET"]),
    Route("/sandbox/models", set_shutdown, methods=["POST"]),
]
