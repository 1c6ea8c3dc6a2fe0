"""What of a call follows from its tenant's routes alone: worked out once and kept until any route changes.

A decision and a way are values; here they are made by policies, wire and the routes. Nothing of one call in particular
may be kept here.
"""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from gateway.compiling import TenantRoutes, Upstream
from gateway.endpoints import Target
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.upstream.addresses import Origin
from gateway.wire import kinds
from policies.values import Decision

T = TypeVar("T")

Question = tuple[str | bytes | bool | None, ...]

_MOST = 16_384
_LONGEST = 256  # of what a caller chooses


class Kept(Generic[T]):
    """Answers by question. Forgotten as a whole when a route changes, and when there are too many.

    A call that began before a change goes on with the routes that it began with: see `covers`.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._version = routes.version
        self._answers: dict[Question, T] = {}

    def covers(self, routes: TenantRoutes) -> bool:
        """Whether these are the tenant's routes now. For a call with others nothing may be looked up here, and nothing
        that it works out be kept."""
        return self._routes.tenant(routes.route.tenant) is routes

    def get(self, question: Question) -> T | None:
        """The answer, if it was put since the last change."""
        if self._version != self._routes.version:
            self._version = self._routes.version
            self._answers.clear()
        return self._answers.get(question)

    def put(self, question: Question, answer: T) -> None:
        """Keeps an answer that was worked out since the last `get`, to a question that is not long."""
        if sum(len(part) for part in question if isinstance(part, str | bytes)) > _LONGEST:
            return
        if len(self._answers) >= _MOST:
            self._answers.clear()
        self._answers[question] = answer


class Way(Struct, frozen=True):
    """Where a request goes, and with what. `origin` is None where the translator says it; `host` and `port` as the span
    has them; `model` is what to write into the body, as JSON, None for nothing; `path` has the query."""

    upstream: Upstream
    origin: Origin | None
    host: str | None
    port: int | None
    model: bytes | None
    path: str


def serves(routes: TenantRoutes, provider: str, target: Target) -> bool:
    """Whether the tenant's provider has the route."""
    upstream = routes.upstreams.get(provider)
    return upstream is not None and kinds.serves(upstream.kind, upstream.path, target.endpoint.family)


def way(routes: TenantRoutes, decision: Decision, target: Target, requested: str | None, query: str) -> Way:
    """The way that a decision takes. Raises GatewayError `provider_not_configured`, `endpoint_not_supported`."""
    upstream = routes.upstreams.get(decision.provider)
    if upstream is None:  # its credential cannot be opened
        raise GatewayError("provider_not_configured")
    if not serves(routes, decision.provider, target):
        words = f"A provider of kind {upstream.kind} does not serve {target.path}."
        raise GatewayError("endpoint_not_supported", words)
    origin = upstream.origin
    if origin is None and not upstream.translated:
        raise GatewayError("provider_not_configured", "The provider has no address.")
    host, port = (origin.host, origin.port) if origin else kinds.place(upstream.kind, upstream.options)
    try:
        path = kinds.path(
            upstream.kind, upstream.path, target.path, decision.model or requested, query, upstream.options
        )
    except kinds.NeedsModel:
        words = "At this provider the model is part of the path, and this call names none in its first part."
        raise GatewayError("endpoint_not_supported", words, "model") from None
    return Way(
        upstream,
        origin,
        host,
        port,
        msgspec.json.encode(decision.model) if decision.model is not None else None,
        path,
    )
