"""What a call's headers, spans and record must say, worked out from what the provider received and the contract alone;
nothing of the gateway's is looked at. Pure."""

from typing import Any

from msgspec import Struct

from tests.agreement.values import Case, Received, Told

ANYTHING = object()  # present, its value looked at elsewhere
_OPERATIONS = {"completions": "text_completion", "embeddings": "embeddings"}
_NEVER_KNOWN = frozenset({"invalid_api_key"})  # refused before the tenant is known


class Attempt(Struct, frozen=True):
    """One request upstream as its span must have it."""

    span_id: str | None
    model: str | None
    fine_tuned: bool
    reason: str
    job_id: str | None
    status: int | None
    error: str | None
    told: Told
    first_chunk: bool


class Expected(Struct, frozen=True):
    """Of one call. `record` is None where there must be none; `spans` in the order of their start."""

    headers: dict[str, str] | None
    record: dict[str, Any] | None
    spans: list[dict[str, Any]]
    counted: tuple[str, str]  # reason and class of status, as the metrics have them
    fell_back: bool


def expected(case: Case) -> Expected:
    """What must be said of it."""
    attempts = _attempts(case)
    reason, fine_tuned, job_id = _decided(case, attempts)
    ask = case.ask
    headers = {"x-fine-tuned": str(fine_tuned).lower(), "x-model-reason": reason or "none"}
    known = ask.refusal is None or ask.refusal[1] not in _NEVER_KNOWN
    status = _status(case)
    return Expected(
        headers=None if ask.leaves == "before" else headers,
        record=_record(case, attempts, reason, fine_tuned, job_id) if known else None,
        spans=[_span(case, attempt) for attempt in attempts],
        counted=(reason or "none", f"{status // 100}xx" if status else "none") if known else ("", heard_error(case)),
        fell_back=reason == "fallback_stock",
    )


def heard_error(case: Case) -> str:
    """The code of the gateway's own error."""
    return case.ask.refusal[1] if case.ask.refusal else ""


def _status(case: Case) -> int:
    if case.ask.refusal:
        return case.ask.refusal[0]
    return case.received[-1].status or 0


def _attempts(case: Case) -> list[Attempt]:
    """One for each request that the provider received, or for the one that it could not receive."""
    if case.ask.unreachable:
        return [Attempt(None, case.ask.model, False, "opted_out", None, None, heard_error(case), Told(), False)]
    more = len(case.received)
    return [_attempt(case, received, is_last=at == more - 1) for at, received in enumerate(case.received)]


def _attempt(case: Case, received: Received, *, is_last: bool) -> Attempt:
    reason = _reason(case, received, first=received is case.received[0])
    tuned = reason in ("active_job", "pinned_fine_tune")
    return Attempt(
        span_id=received.span_id,
        model=received.model,
        fine_tuned=tuned,
        reason=reason,
        job_id=case.tenant.job_id if tuned else None,
        status=received.status,
        error=_error(received) if is_last else "model_not_found",
        told=received.told,
        first_chunk=is_last and received.body and received.stream and received.status == 200,
    )


def _error(received: Received) -> str | None:
    if received.end == "gone":
        return "cancelled"
    if received.end == "cut":
        return "upstream_disconnected"
    return str(received.status) if received.status is not None and received.status >= 400 else None


def _reason(case: Case, received: Received, *, first: bool) -> str:
    """The contract's table, read from the model that arrived."""
    ask, tenant = case.ask, case.tenant
    if ask.path == "embeddings":
        return "endpoint_not_tunable"
    if ask.model == tenant.tuned:
        return "pinned_fine_tune"
    if ask.opted_out:
        return "opted_out"
    if not tenant.active:
        return "no_active_job"
    if tenant.rule == "default_only" and ask.model not in (tenant.stock, "default"):
        return "model_not_default"
    if received.model == tenant.tuned:
        return "active_job"
    return "fallback_stock" if tenant.refuses or not first else "stock_arm"


def _decided(case: Case, attempts: list[Attempt]) -> tuple[str | None, bool, str | None]:
    """Reason, fine_tuned and job of the whole call."""
    if attempts:
        last = attempts[-1]
        return last.reason, last.fine_tuned, last.job_id
    return ("foreign_fine_tune" if case.ask.kind == "foreign" else None), False, None


def _record(
    case: Case, attempts: list[Attempt], reason: str | None, fine_tuned: bool, job_id: str | None
) -> dict[str, Any]:
    ask, tenant = case.ask, case.tenant
    last = attempts[-1] if attempts else None
    told = last.told if last else Told()
    end = case.received[-1].end if case.received else ""
    streamed = bool(case.received and case.received[-1].body and case.received[-1].status == 200)
    return {
        "call_id": ANYTHING if ask.leaves == "before" else case.heard.call_id,
        "trace_id": ask.trace_id or (case.received[-1].trace_id if case.received else ANYTHING),
        "span_id": ANYTHING if ask.unreachable else last.span_id if last else None,
        "time": ANYTHING,
        "tenant": tenant.name,
        "key_id": tenant.key_id,
        "workflow": ask.workflow,
        "endpoint": ask.path,
        "requested_model": ask.model,
        "routed_model": last.model if last else None,
        "served_model": told.model,
        "provider": ("silent" if ask.unreachable else "main") if last else None,
        "fine_tuned": fine_tuned,
        "reason": reason,
        "job_id": job_id,
        "revision": tenant.revision,
        "attempts": len(attempts),
        "status": _status(case),
        "error": "upstream_disconnected" if end == "cut" else heard_error(case) or None,
        "response_id": told.response_id,
        "stream": ask.stream,
        "input_tokens": told.input_tokens,
        "output_tokens": told.output_tokens,
        "cost_usd": ANYTHING,
        "duration_ms": ANYTHING,
        "time_to_first_chunk_ms": ANYTHING if ask.stream and streamed else None,
        "cancelled": bool(ask.leaves),
    }


def _span(case: Case, attempt: Attempt) -> dict[str, Any]:
    ask, tenant, told = case.ask, case.tenant, attempt.told
    operation = _OPERATIONS.get(ask.path, "chat")
    says = {
        "fine_tuned": attempt.fine_tuned,
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": attempt.model,
        "gen_ai.response.model": told.model,
        "gen_ai.response.id": told.response_id,
        "gen_ai.response.finish_reasons": list(told.finish_reasons) or None,
        "gen_ai.usage.input_tokens": told.input_tokens,
        "gen_ai.usage.output_tokens": told.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": told.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": told.reasoning_tokens,
        "gen_ai.request.stream": True if ask.stream else None,
        "gen_ai.response.time_to_first_chunk": ANYTHING if attempt.first_chunk else None,
        "server.address": "127.0.0.1",
        "server.port": tenant.silent_port if ask.unreachable else tenant.port,
        "http.response.status_code": attempt.status,
        "error.type": attempt.error,
        "housestyle.tenant": tenant.name,
        "housestyle.workflow": ask.workflow,
        "housestyle.call_id": ANYTHING if ask.leaves == "before" else case.heard.call_id,
        "housestyle.requested_model": ask.model,
        "housestyle.reason": attempt.reason,
        "housestyle.job_id": attempt.job_id,
        "housestyle.revision": tenant.revision,
    }
    return {
        "name": f"{operation} {attempt.model}",
        "kind": "CLIENT",
        "trace_id": ask.trace_id or (case.received[0].trace_id if case.received else ANYTHING),
        "span_id": attempt.span_id or ANYTHING,
        "parent_id": ask.parent_id,
        "tracestate": ask.tracestate or "",
        "failed": attempt.error is not None,
        "begun": ANYTHING,
        "ended": ANYTHING,
        **{name: value for name, value in says.items() if value is not None},
    }
