"""THE file to read first: one call from first byte to Why record, top to bottom.

    identify → admit → read → decide → send → relay → settle

Identification comes before the body is read, so that nobody without a key can make the gateway hold 32 MB.
Every exit, refusals and cancellation included, goes through `settle`, once. Nothing here waits for the store,
knows what a model is for (policies do) or what a provider's bytes mean (wire does).
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator

import structlog
from msgspec import Struct

from gateway import call as calls
from gateway import endpoints, outgoing
from gateway.call import CallState
from gateway.endpoints import Target
from gateway.errors import GatewayError
from gateway.exchange import CallerGone, Exchange
from gateway.routing import NATIVE_KINDS, Routes, TenantRoutes
from gateway.telemetry import Attempt, Telemetry
from gateway.upstream.pool import Answer, Pool
from gateway.why import WhyWriter
from gateway.wire import body as wire_body
from gateway.wire import headers as wire_headers
from gateway.wire import models as wire_models
from gateway.wire.openai import AnswerReader, error_code
from gateway.wire.usage import UsageFilter
from policies import access, substitution
from policies.values import Call, Decision, Reason, Refusal

log = structlog.get_logger(__name__)

_REFUSED_SECONDS = 30.0
_PEEKED = 64 * 1024
_MAX_MODEL_LIST = 16 << 20
_WORKFLOW_LENGTH = 128
_BROKEN_STREAM = b'data: {"error":{"message":"The provider broke off its answer.","type":"server_error","param":null,'
_BROKEN_STREAM += b'"code":"upstream_disconnected"}}\n\n'


class Limits(Struct, frozen=True):
    """`body` in bytes, for a rewritten request; `concurrent` calls in this process."""

    body: int
    concurrent: int


class Identified(Struct, frozen=True):
    """Whose call it is, and what it asks for."""

    routes: TenantRoutes
    target: Target


class Lifecycle:
    """One for a process. `handle` is the life of one call."""

    def __init__(self, routes: Routes, pool: Pool, telemetry: Telemetry, why: WhyWriter, limits: Limits) -> None:
        self.ready = False
        self.draining = False
        self.in_flight = 0
        self._routes = routes
        self._pool = pool
        self._telemetry = telemetry
        self._why = why
        self._limits = limits
        self._refused: dict[tuple[str, str], float] = {}  # (tenant, model) → until when, monotonic

    async def handle(self, exchange: Exchange) -> None:
        """Takes one call from its head to its end. Raises only CancelledError, and that only from outside."""
        call = self._arrive(exchange)
        try:
            await self._serve(exchange, call)
        except GatewayError as error:
            await self._answer_error(exchange, call, error)
        except CallerGone:
            call.cancelled = True
        except asyncio.CancelledError:
            call.cancelled = True
            exchange.abort()
            if not exchange.gone:
                raise
        except Exception:
            log.exception("call_failed", call_id=call.call_id, trace_id=call.trace.hex)
            await self._answer_error(exchange, call, GatewayError("internal_error"))
        finally:
            self._settle(call)

    async def _serve(self, exchange: Exchange, call: CallState) -> None:
        who = self._identify(exchange, call)
        with self._admitted():
            await self._read(exchange, call, who)
            decision = self._decide(exchange, call, who)
            answer, head = await self._send(exchange, call, who, decision)
            with answer:
                await self._relay(exchange, call, who, answer, head)

    # arrive

    def _arrive(self, exchange: Exchange) -> CallState:
        now = time.time()
        workflow = wire_headers.first(exchange.headers, b"x-workflow")
        return CallState(
            call_id=f"call_{int(now * 1000):012x}{os.urandom(10).hex()}",
            arrived=now,
            begun=time.perf_counter_ns(),
            trace=self._telemetry.begin(wire_headers.first(exchange.headers, b"traceparent")),
            endpoint=exchange.path.removeprefix("/v1").removeprefix("/")[:200],
            workflow=_text(workflow)[:_WORKFLOW_LENGTH] if workflow else None,
        )

    # identify

    def _identify(self, exchange: Exchange, call: CallState) -> Identified:
        """Who calls, for which tenant, which route. The record belongs to the key's own tenant from here on."""
        if not self.ready:
            raise GatewayError("not_ready")
        if self.draining:
            raise GatewayError("draining")
        key = wire_headers.presented_key(exchange.headers)
        caller = self._routes.caller(key) if key else None
        if caller is None:
            raise GatewayError("invalid_api_key")
        call.caller = caller
        if caller.tenant:
            call.routes = self._routes.tenant(caller.tenant)
        named = wire_headers.first(exchange.headers, b"x-tenant-id")
        tenant = access.tenant_of(caller, _text(named) if named else None)
        if isinstance(tenant, Refusal):
            raise GatewayError(tenant.code)
        call.routes = self._routes.tenant(tenant)
        if call.routes is None:
            raise GatewayError("tenant_not_found")
        if call.routes.suspended:
            raise GatewayError("tenant_suspended")
        call.target = endpoints.find(exchange.method, exchange.path)
        call.endpoint = call.target.endpoint.path
        return Identified(call.routes, call.target)

    # admit

    @contextlib.contextmanager
    def _admitted(self) -> Iterator[None]:
        """A permit, given back on every exit."""
        if self.in_flight >= self._limits.concurrent:
            raise GatewayError("concurrency_limit_exceeded")
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    # read

    async def _read(self, exchange: Exchange, call: CallState, who: Identified) -> None:
        """The body, and from then on a caller who leaves cancels the call."""
        raw = await exchange.body(self._limits.body)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a coroutine
        exchange.on_gone(task.cancel)
        if who.target.endpoint.rewritten:
            call.body = wire_body.read(raw)

    # decide

    def _decide(self, exchange: Exchange, call: CallState, who: Identified) -> Decision:
        provider = wire_headers.first(exchange.headers, b"x-provider")
        policy = wire_headers.first(exchange.headers, b"x-model-policy")
        run = wire_headers.first(exchange.headers, b"x-workflow-run-id")
        call.asked = Call(
            rewritten=who.target.endpoint.rewritten,
            requested=call.requested,
            provider=_text(provider) if provider else None,
            opted_out=policy is not None and policy.strip().lower() == b"stock",
            arm_key=(_text(run) if run else None) or (call.body and call.body.conversation) or call.call_id,
        )
        decision = substitution.decide(
            call.asked,
            who.routes.route,
            self._routes.owners,
            active_refused=self._is_refused(who.routes),
        )
        if isinstance(decision, Refusal):
            call.refusal = decision.reason
            raise GatewayError(decision.code, param="model" if decision.reason else None)
        call.decision = decision
        return decision

    def _is_refused(self, routes: TenantRoutes) -> bool:
        """Whether the upstream refused the active model less than 30 s ago."""
        active = routes.route.active
        until = self._refused.get((routes.route.tenant, active.model)) if active else None
        return until is not None and time.monotonic() < until

    # send

    async def _send(
        self,
        exchange: Exchange,
        call: CallState,
        who: Identified,
        decision: Decision,
    ) -> tuple[Answer, bytes]:
        """The upstream's answer, and the part of its body that had to be read to know whether to fall back."""
        answer = await self._attempt(exchange, call, who, decision)
        if decision.reason is not Reason.ACTIVE_JOB or answer.status not in (400, 403, 404):
            return answer, b""
        try:
            head = await answer.peek(_PEEKED)
        except BaseException:
            answer.close()
            raise
        if call.asked is None or not substitution.refuses_model(answer.status, error_code(head)):
            return answer, head
        fallback = substitution.fall_back(decision, call.asked, who.routes.route, self._routes.owners)
        if fallback is None:
            return answer, head
        answer.close()
        self._remember(who.routes, decision, call)
        call.attempts[-1].error = "model_not_found"
        call.decision = fallback
        return await self._attempt(exchange, call, who, fallback), b""

    def _remember(self, routes: TenantRoutes, decision: Decision, call: CallState) -> None:
        now = time.monotonic()
        self._refused = {place: until for place, until in self._refused.items() if until > now}
        self._refused[routes.route.tenant, decision.model or ""] = now + _REFUSED_SECONDS
        log.warning("model_refused", tenant=routes.route.tenant, model=decision.model, call_id=call.call_id)

    async def _attempt(self, exchange: Exchange, call: CallState, who: Identified, decision: Decision) -> Answer:
        """One request upstream; its span is made by `settle`, whatever becomes of it."""
        upstream = who.routes.upstreams.get(decision.provider)
        if upstream is None:  # its credential cannot be opened
            raise GatewayError("provider_not_configured")
        if upstream.kind not in NATIVE_KINDS or upstream.origin is None:
            raise GatewayError("endpoint_not_supported", f"Calls to providers of kind {upstream.kind} are not served.")
        attempt = Attempt(
            span_id=self._telemetry.new_span_id(),
            operation=who.target.endpoint.operation,
            provider_kind=upstream.kind,
            host=upstream.origin.host,
            port=upstream.origin.port,
            fine_tuned=decision.fine_tuned,
            reason=decision.reason,
            job_id=decision.job_id,
            routed_model=calls.short(decision.model or call.requested),
            stream=call.body is not None and call.body.stream,
            started=time.time_ns(),
        )
        call.attempts.append(attempt)
        body, call.usage_added = outgoing.body(call.body, decision, who.target, upstream)
        traceparent = self._telemetry.start(call.trace, attempt)
        head = outgoing.head(exchange, who.target, upstream.origin, upstream, len(body), traceparent)
        with _accounted(attempt):
            answer = await self._pool.request(upstream.origin, head, body)
        attempt.status = answer.status
        attempt.error = str(answer.status) if answer.status >= 400 else None
        return answer

    # relay

    async def _relay(
        self,
        exchange: Exchange,
        call: CallState,
        who: Identified,
        answer: Answer,
        head: bytes,
    ) -> None:
        """The answer as it comes; a list of models without those of others."""
        call.status = answer.status
        if who.target.endpoint.answer == "models" and answer.status == 200:
            await self._relay_models(exchange, call, who, answer)
            return
        attempt = call.attempts[-1]
        content_type = wire_headers.first(answer.headers, b"content-type") or b""
        events = content_type.startswith(b"text/event-stream")
        reader = AnswerReader(stream=events)
        extra = UsageFilter() if events and call.usage_added else None
        exchange.start(answer.status, wire_headers.to_caller(answer.headers) + self._own_headers(call))
        with _accounted(attempt):
            try:
                await exchange.drain()
                chunk = head or await answer.read()
                while chunk:
                    if attempt.first_chunk is None:
                        call.first_chunk = time.perf_counter_ns()
                        attempt.first_chunk = time.time_ns()
                    reader.feed(chunk)
                    relayed = extra.feed(chunk) if extra else chunk
                    if relayed:
                        exchange.write(relayed)
                        await exchange.drain()
                    chunk = await answer.read()
                if extra:
                    exchange.write(extra.end())
            except GatewayError:
                if extra.at_boundary if extra else reader.at_boundary:
                    exchange.write(_BROKEN_STREAM)
                    await exchange.drain()
                raise
            finally:
                attempt.served = reader.served()
        await exchange.end()

    async def _relay_models(self, exchange: Exchange, call: CallState, who: Identified, answer: Answer) -> None:
        tenant = who.routes.route.tenant
        provider = call.decision.provider if call.decision else ""
        listing = await answer.read_up_to(_MAX_MODEL_LIST)
        mine = wire_models.without(listing, lambda model: self._routes.is_foreign(tenant, provider, model))
        headers = [(k, v) for k, v in wire_headers.to_caller(answer.headers) if k != b"content-length"]
        headers.append((b"content-length", str(len(mine)).encode()))
        exchange.start(answer.status, headers + self._own_headers(call))
        exchange.write(mine)
        await exchange.end()

    # settle

    async def _answer_error(self, exchange: Exchange, call: CallState, error: GatewayError) -> None:
        """The gateway's own error, or, where the answer has begun, its end in the middle."""
        call.error = error.code
        if exchange.started:
            exchange.abort()
            return
        call.status = error.kind.status
        body = error.body()
        headers = [*error.headers(), (b"content-length", str(len(body)).encode()), *self._own_headers(call)]
        exchange.start(error.kind.status, headers)
        exchange.write(body)
        with contextlib.suppress(OSError):  # the caller may be gone by now
            await exchange.end()

    def _own_headers(self, call: CallState) -> wire_headers.Headers:
        fine_tuned = call.decision is not None and call.decision.fine_tuned
        return [
            (b"x-call-id", call.call_id.encode()),
            (b"x-fine-tuned", b"true" if fine_tuned else b"false"),
            (b"x-model-reason", str(call.reason or "none").encode()),
        ]

    def _settle(self, call: CallState) -> None:
        """Spans, record, log line. The one place where a call is accounted for."""
        if call.error or call.cancelled:
            log.info(
                "call_ended",
                call_id=call.call_id,
                trace_id=call.trace.hex,
                tenant=call.routes.route.tenant if call.routes else None,
                status=call.status,
                error=call.error,
                cancelled=call.cancelled,
            )
        if call.routes is None or call.caller is None:
            return
        facts = calls.facts(call, call.routes)
        for attempt in call.attempts:
            self._telemetry.span(call.trace, attempt, facts)
        if self._routes.tenant(call.routes.route.tenant) is not None:  # deleted meanwhile: nothing more is kept of it
            self._why.put(calls.record(call, call.routes, call.caller))


@contextlib.contextmanager
def _accounted(attempt: Attempt) -> Iterator[None]:
    """Says in the attempt how and when what is done inside has ended."""
    try:
        yield
    except GatewayError as error:
        attempt.error = error.code
        raise
    except asyncio.CancelledError:
        attempt.error = "cancelled"
        raise
    except BaseException:
        attempt.error = "internal_error"
        raise
    finally:
        attempt.ended = time.time_ns()


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()
