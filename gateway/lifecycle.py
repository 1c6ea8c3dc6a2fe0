"""THE file to read first: one call from first byte to Why record, top to bottom.

    arrive → identify → admit → read → decide → send → relay → settle

Identification comes before the body is read, so that nobody without a key can make the gateway hold 32 MB.
Every exit, refusals and cancellation included, goes through `settle`, once. Nothing here waits for the store,
knows what a model is for (policies do) or what a provider's bytes mean (wire does).
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType

import structlog
from msgspec import Struct

from gateway import call as calls
from gateway import call_log, endpoints, incoming, model_lists, outgoing, timestamps, trace_context, ways
from gateway.call import CallState
from gateway.call_metrics import CallMetrics
from gateway.compiling import TenantRoutes
from gateway.endpoints import Target
from gateway.errors import GatewayError
from gateway.exchange import CallerGone, Exchange
from gateway.passing import PassingAnswer
from gateway.prices import Prices
from gateway.refusals import RefusedModels
from gateway.routing import Routes
from gateway.telemetry import Attempt, Telemetry
from gateway.translator_link import Link
from gateway.upstream.pool import Answer, Pool
from gateway.upstream.upload import Upload
from gateway.ways import Kept, Way
from gateway.why import WhyWriter
from gateway.wire import body as wire_body
from gateway.wire import headers as wire_headers
from gateway.wire.answers import Budget, error_code
from policies import access, substitution
from policies.values import Call, Decision, Reason, Refusal

log = structlog.get_logger(__name__)

_PEEKED = 64 * 1024
_MAX_MODEL_LIST = 2 << 20
_WORKFLOW_LENGTH = 128
# Answers held at one time to read their usage, by all calls together.
_MAX_HELD = 64 << 20
# What an upstream says that does not have `GET models`.
_NO_SUCH_ROUTE = frozenset({404, 405, 501})


class Limits(Struct, frozen=True):
    """`body` in bytes, for a rewritten request; `concurrent` calls in this process."""

    body: int
    concurrent: int


class Identified(Struct, frozen=True):
    """Whose call it is, and what it asks for."""

    routes: TenantRoutes
    target: Target


class Lifecycle:
    """One for a process. `handle` is the life of one call.

    `translator` starts the translator where it does not run and gives the link to it; `on_model_refused` hears of a
    tenant, the job whose model its provider refused, and the model; `on_key_used` of a key's id and the time.
    """

    def __init__(
        self,
        routes: Routes,
        pool: Pool,
        telemetry: Telemetry,
        why: WhyWriter,
        metrics: CallMetrics,
        prices: Prices,
        limits: Limits,
        translator: Callable[[], Awaitable[Link]],
        on_model_refused: Callable[[str, str, str], None],
        on_key_used: Callable[[str, float], None],
    ) -> None:
        self.ready = False
        self.draining = False
        self.in_flight = 0
        self.streaming = 0
        self.unsettled = 0
        self._routes = routes
        self._pool = pool
        self._telemetry = telemetry
        self._why = why
        self._metrics = metrics
        self._alikes = calls.Alikes(prices)
        self._limits = limits
        self._translator = translator
        self._on_model_refused = on_model_refused
        self._on_key_used = on_key_used
        self._held = Budget(_MAX_HELD)
        self._refused = RefusedModels()
        self._decisions: Kept[Decision | Refusal] = Kept(routes)
        self._ways: Kept[Way] = Kept(routes)

    async def handle(self, exchange: Exchange) -> None:
        """Takes one call from its head to its end. Raises only CancelledError, and that only from outside."""
        self.unsettled += 1
        call = self._arrive(exchange)
        try:
            await self._serve(exchange, call)
        except GatewayError as error:
            await self._answer_error(exchange, call, error)
        except CallerGone:
            call.cancelled = True
            exchange.abort()
        except asyncio.CancelledError:
            call.cancelled = exchange.gone
            exchange.abort()
            if not exchange.gone:  # the time to drain is over
                call.error = "draining"
                if call.attempts and call.attempts[-1].error == "cancelled":
                    call.attempts[-1].error = "draining"
                raise
        except Exception as error:  # noqa: BLE001 - a bug of ours; it is logged with the call
            call.bug = error
            await self._answer_error(exchange, call, GatewayError("internal_error"))
        finally:
            self.unsettled -= 1
            self._settle(call)

    async def _serve(self, exchange: Exchange, call: CallState) -> None:
        who = self._identify(exchange, call)
        if self.in_flight >= self._limits.concurrent:
            raise GatewayError("concurrency_limit_exceeded")
        self.in_flight += 1
        try:
            _cancel_when_gone(exchange)
            await self._read(exchange, call, who)
            decision = self._decide(exchange, call, who)
            if self._is_known_here(who, decision):
                await self._answer_models(exchange, call, who, decision)
                return
            answer, head = await self._send(exchange, call, who, decision)
            with answer:
                await self._relay(exchange, call, who, decision, answer, head)
        finally:
            self.in_flight -= 1

    # arrive

    def _arrive(self, exchange: Exchange) -> CallState:
        now = time.time()
        workflow = exchange.fields.get(b"x-workflow")
        return CallState(
            call_id=timestamps.call_id(now),
            arrived=now,
            begun=time.perf_counter_ns(),
            trace=trace_context.of(exchange.headers, exchange.fields),
            endpoint=exchange.path.removeprefix("/v1").removeprefix("/")[:200],
            workflow=_text(workflow)[:_WORKFLOW_LENGTH] if workflow else None,
        )

    # identify

    def _identify(self, exchange: Exchange, call: CallState) -> Identified:
        """Who calls, for which tenant, which route. The record belongs to the key's own tenant from here on."""
        if not self.ready:
            raise GatewayError("not_ready")
        key = wire_headers.presented_key(exchange.headers)
        caller = self._routes.caller(key) if key else None
        if caller is None:
            raise GatewayError("invalid_api_key")
        call.caller = caller
        self._on_key_used(caller.key_id, call.arrived)
        if caller.tenant:
            call.routes = self._routes.tenant(caller.tenant)
        named = exchange.fields.get(b"x-tenant-id")
        tenant = access.tenant_of(caller, _text(named) if named else None)
        if isinstance(tenant, Refusal):
            raise GatewayError(tenant.code)
        call.routes = self._routes.tenant(tenant)
        if call.routes is None:
            raise GatewayError("tenant_not_found")
        if self.draining:
            raise GatewayError("draining")
        if call.routes.suspended:
            raise GatewayError("tenant_suspended")
        if b"upgrade" in exchange.fields and wire_headers.upgrades(exchange.headers):
            raise GatewayError("upgrade_not_supported")
        call.target = endpoints.find(exchange.method, exchange.path, call.routes.allowed_paths)
        call.endpoint = call.target.path[:200]
        return Identified(call.routes, call.target)

    # read

    async def _read(self, exchange: Exchange, call: CallState, who: Identified) -> None:
        """What says which model is asked: the whole body where it is rewritten, its first part where it is relayed."""
        if who.target.endpoint.rewritten:
            call.body = wire_body.read(await incoming.whole(exchange, self._limits.body))
        else:
            call.relayed = incoming.Relayed(exchange)
            await call.relayed.begin()
        call.body_wait = exchange.read_wait

    # decide

    def _decide(self, exchange: Exchange, call: CallState, who: Identified) -> Decision:
        provider = exchange.fields.get(b"x-provider")
        policy = exchange.fields.get(b"x-model-policy")
        run = exchange.fields.get(b"x-workflow-run-id")
        call.asked = Call(
            rewritten=who.target.endpoint.rewritten,
            requested=call.requested,
            provider=_text(provider) if provider else None,
            opted_out=policy is not None and policy.strip().lower() == b"stock",
            arm_key=(_text(run) if run else None) or (call.body and call.body.conversation) or call.call_id,
        )
        decision = self._decided(call.asked, who.routes)
        if isinstance(decision, Refusal):
            call.refusal = decision.reason
            raise GatewayError(decision.code, param="model" if decision.reason else None)
        call.decision = decision
        if decision.reason is Reason.FALLBACK_STOCK:  # the refusal is remembered
            self._metrics.fallbacks.add()
        if call.relayed is not None:
            self._check_named(call, who, decision, call.relayed.fields)
        return decision

    def _decided(self, asked: Call, routes: TenantRoutes) -> Decision | Refusal:
        """The policy's word; the one before it, where nothing has changed that it depends on."""
        route = routes.route
        refused = route.active is not None and self._refused.has(route.tenant, route.active.model)
        question = (route.tenant, asked.rewritten, asked.requested, asked.provider, asked.opted_out)
        # With a share of 1 the arm's key does not matter.
        same = not refused and route.share >= 1 and self._decisions.covers(routes)
        decision = self._decisions.get(question) if same else None
        if decision is None:
            decision = substitution.decide(asked, route, self._routes.owners, active_refused=refused)
            if same:
                self._decisions.put(question, decision)
        return decision

    def _check_named(self, call: CallState, who: Identified, decision: Decision, fields: incoming.Fields) -> None:
        """What a relayed body may not name, wherever in it: another tenant's model, a file to be trained on."""
        tenant = who.routes.route.tenant
        if any(self._routes.is_foreign(tenant, decision.provider, model) for model in fields.get("model", ())):
            call.refusal = Reason.FOREIGN_FINE_TUNE
            for attempt in call.attempts:  # it is named late, while the body goes up
                attempt.reason = Reason.FOREIGN_FINE_TUNE
            raise GatewayError("model_not_found", param="model")
        if not endpoints.purpose_is_allowed(who.target, fields.get("purpose", [])):
            raise GatewayError("endpoint_not_allowed", "Files to be trained on are never relayed.", "purpose")

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
            with _Accounted(call.attempts[-1]):
                head = await answer.peek(_PEEKED)
        except BaseException:
            answer.close()
            raise
        if call.asked is None or not substitution.refuses_model(answer.status, error_code(head)):
            return answer, head
        fallback = substitution.fall_back(decision, call.asked, who.routes.route, self._routes.owners)
        if fallback is None or not ways.serves(who.routes, fallback.provider, who.target):
            return answer, head
        answer.close()
        tenant = who.routes.route.tenant
        self._refused.add(tenant, decision.model or "")
        self._metrics.fallbacks.add()
        self._on_model_refused(tenant, decision.job_id or "", decision.model or "")
        log.warning("model_refused", tenant=tenant, model=decision.model, call_id=call.call_id, trace_id=call.trace.hex)
        call.attempts[-1].error = "model_not_found"
        call.decision = fallback
        return await self._attempt(exchange, call, who, fallback), b""

    async def _attempt(self, exchange: Exchange, call: CallState, who: Identified, decision: Decision) -> Answer:
        """One request upstream; its span is made by `settle`, whatever becomes of it."""
        way = self._way(exchange, call, who, decision)
        attempt = Attempt(
            span_id=self._telemetry.new_span_id(),
            operation=who.target.endpoint.operation,
            provider_kind=way.upstream.kind,
            host=way.host,
            port=way.port,
            fine_tuned=decision.fine_tuned,
            reason=decision.reason,
            job_id=decision.job_id,
            routed_model=calls.short(decision.model or call.requested),
            stream=call.body is not None and call.body.stream,
        )
        call.attempts.append(attempt)
        context = self._telemetry.start(call.trace, attempt)
        with _Accounted(attempt):
            link = await self._translator() if way.upstream.translated else None
            origin = link.origin if link else way.origin
            assert origin is not None  # noqa: S101 - `way` sees to it
            body = self._body(call, who, decision, way)
            length = call.relayed.length if isinstance(body, Upload) and call.relayed else _length(body)
            ours = [*context, *link.headers] if link else context
            head = outgoing.head(exchange, who.target, way, origin, length, ours)
            attempt.begin()
            answer = await (link.request(head, body) if link else self._pool.request(origin, head, body))
        attempt.status = answer.status
        attempt.error = str(answer.status) if answer.status >= 400 else None
        return answer

    def _way(self, exchange: Exchange, call: CallState, who: Identified, decision: Decision) -> Way:
        """Where the decision leads; as the last time, where nothing has changed."""
        query = exchange.query
        question = (who.routes.route.tenant, decision.provider, decision.model, call.requested, who.target.path, query)
        same = self._ways.covers(who.routes) and not who.target.endpoint.path.endswith("/")  # where an id follows
        way = self._ways.get(question) if same else None
        if way is None:
            way = ways.way(who.routes, decision, who.target, call.requested, query.decode("latin-1"))
            if same:
                self._ways.put(question, way)
        return way

    def _body(self, call: CallState, who: Identified, decision: Decision, way: Way) -> bytes | Upload:
        if call.body is not None:
            body, call.usage_added = outgoing.body(call.body, who.target, way)
            return body
        if call.relayed is None:
            return b""
        return call.relayed.body(partial(self._check_named, call, who, decision))

    # relay

    async def _relay(
        self,
        exchange: Exchange,
        call: CallState,
        who: Identified,
        decision: Decision,
        answer: Answer,
        head: bytes,
    ) -> None:
        """The answer as it comes; a list of models without those of others."""
        call.status = answer.status
        if who.target.endpoint.answer == "models" and answer.status in _NO_SUCH_ROUTE:
            await self._answer_models(exchange, call, who, decision)
        elif who.target.endpoint.answer == "models" and answer.status == 200:
            await self._relay_models(exchange, call, who, decision, answer)
        else:
            await self._relay_bytes(exchange, call, who, answer, head)

    async def _relay_bytes(
        self, exchange: Exchange, call: CallState, who: Identified, answer: Answer, head: bytes
    ) -> None:
        attempt = call.attempts[-1]
        passing = PassingAnswer(answer.headers, who.target.endpoint, self._held, usage_added=call.usage_added)
        call.events = passing.events
        attempt.stream = attempt.stream or passing.events
        exchange.start(answer.status, passing.headers + self._own_headers(call))

        def sink(chunk: bytes) -> bool:
            if attempt.first_chunk is None and passing.events:
                attempt.first_chunk = attempt.now()
                call.first_chunk = time.perf_counter_ns()
            exchange.write(passing.feed(chunk))
            return exchange.flush()

        self.streaming += passing.events
        with _Accounted(attempt):
            try:
                if (not answer.arrived and not head and not exchange.flush()) or (head and not sink(head)):
                    await exchange.drain()
                while await answer.pour(sink):
                    await exchange.drain()
                exchange.write(passing.end())
            except (GatewayError, asyncio.CancelledError):
                said = None if exchange.gone else passing.broken(call.call_id)
                if said is not None:
                    exchange.write(said)
                    exchange.cut()
                raise
            finally:
                self.streaming -= passing.events
                attempt.served = passing.served()
        if attempt.error is None and attempt.served.error is not None:  # it began well
            attempt.error = call.error = attempt.served.error
        await exchange.end()

    # models

    def _is_known_here(self, who: Identified, decision: Decision) -> bool:
        """Whether a provider's models are asked for, and it has no route that says them."""
        return (
            who.target.endpoint.answer != "relay"
            and decision.provider in who.routes.upstreams
            and not ways.serves(who.routes, decision.provider, who.target)
        )

    async def _relay_models(
        self, exchange: Exchange, call: CallState, who: Identified, decision: Decision, answer: Answer
    ) -> None:
        with _Accounted(call.attempts[-1]):
            listing = await answer.read_up_to(_MAX_MODEL_LIST)
            mine = model_lists.of_provider(listing, self._routes, who.routes.route.tenant, decision.provider)
        headers = [header for header in wire_headers.to_caller(answer.headers) if header[0] != b"content-length"]
        await self._answer(exchange, call, answer.status, headers, mine)

    async def _answer_models(self, exchange: Exchange, call: CallState, who: Identified, decision: Decision) -> None:
        body = model_lists.known(who.routes.route, decision.provider, who.target.model)
        await self._answer(exchange, call, 200, [(b"content-type", b"application/json")], body)

    async def _answer(
        self, exchange: Exchange, call: CallState, status: int, headers: wire_headers.Headers, body: bytes
    ) -> None:
        """A whole answer of our own making."""
        call.status = status
        length = (b"content-length", b"%d" % len(body))
        exchange.start(status, [*headers, length, *self._own_headers(call)])
        exchange.write(body)
        await exchange.end()

    # settle

    async def _answer_error(self, exchange: Exchange, call: CallState, error: GatewayError) -> None:
        """The gateway's own error, or, where the answer has begun, its end in the middle."""
        call.error = error.code
        if exchange.started:
            exchange.abort()
            return
        body = error.anthropic_body(call.call_id) if endpoints.is_anthropic(exchange.path) else error.body()
        with contextlib.suppress(OSError, CallerGone):  # the caller may be gone by now
            await self._answer(exchange, call, error.kind.status, error.headers(), body)

    def _own_headers(self, call: CallState) -> wire_headers.Headers:
        return [
            (b"x-call-id", call.call_id.encode()),
            (b"x-fine-tuned", b"true" if call.fine_tuned else b"false"),
            (b"x-model-reason", str(call.reason or "none").encode()),
        ]

    def _settle(self, call: CallState) -> None:
        """Log line, record, metrics, spans. The one place where a call is accounted for."""
        call_log.say(call)
        routes, caller = call.routes, call.caller
        if routes is None or caller is None:
            self._metrics.unidentified(call.error)
            return
        known = self._alikes.of(call, routes, caller)
        alike, own = known.alike, calls.own(call, known)
        self._metrics.settle(alike, calls.ended(call, own), call.attempts)
        for attempt in call.attempts:
            same = alike if attempt is call.attempts[-1] else calls.alike(call, routes, caller, attempt)
            self._telemetry.span(call.trace, attempt, call.call_id, same)
        if self._routes.tenant(alike.tenant) is not None:  # deleted meanwhile: nothing more is kept of it
            self._why.put(alike, own)


class _Accounted:
    """Says in the attempt how and when what is done inside has ended."""

    __slots__ = ("_attempt",)

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._attempt.ended = self._attempt.now()
        if isinstance(error, GatewayError):
            self._attempt.error = error.code
        elif isinstance(error, CallerGone | asyncio.CancelledError):
            self._attempt.error = "cancelled"
        elif error is not None:
            self._attempt.error = "internal_error"


def _cancel_when_gone(exchange: Exchange) -> None:
    """From here on a caller who leaves cancels the call, wherever it is."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - this is a coroutine
    exchange.on_gone(task.cancel)


def _length(body: bytes | Upload) -> int | None:
    return len(body) if isinstance(body, bytes) else None


def _text(value: bytes) -> str:
    """A header's text: UTF-8, as most clients write it, else what RFC 9110 knows it as."""
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()
