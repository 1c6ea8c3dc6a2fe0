"""What every admin route does around its operation: who asks, may they, what do they send, how is it answered.

One wrapper for all of them; an operation gets decoded values and returns one.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec
import msgspec.inspect
import structlog
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from gateway import timestamps
from gateway.admin.changes import Changed
from gateway.admin.parameters import DEFAULT_LIMIT, MAX_LIMIT, PAGE, Parameter
from gateway.client_address import client_address
from gateway.errors import GatewayError
from gateway.routing import Routes
from gateway.store.audits import Actor
from gateway.store.connection import StoreDiverged, StoreUnavailable
from gateway.upstream.addresses import Network
from gateway.wire.headers import is_credential, presented_key
from policies import access
from policies.access import Action
from policies.values import Caller

log = structlog.get_logger(__name__)

_MAX_BODY = 1 << 20
_UNSURE = "The store went away in the middle of the change; whether it was made will show when it is back."
_OF_STORE = {None: "store_unavailable", "memory": "store_full", "disk": "store_unsaved"}
_STREAM_CURSOR = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNKNOWN = re.compile(r"unknown field `(.+?)`")
_AT = re.compile(r" - at `\$\.?(.*?)`$")


class Asked(Struct, frozen=True):
    """A request that was let in. `tenant` is "" on the platform's own routes; `address` is where it came from. `query`
    has the parameters that the route's row names, and no others."""

    caller: Caller
    tenant: str
    body: Any
    path: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    address: str | None = None

    @property
    def actor(self) -> Actor:
        """Who asks, as an audit record has it."""
        return Actor(self.caller.role, self.caller.key_id, self.caller.label, self.address)

    @property
    def limit(self) -> int:
        """The page's size. Raises GatewayError `invalid_field`."""
        text = self.query.get("limit", str(DEFAULT_LIMIT))
        if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= MAX_LIMIT:
            raise GatewayError("invalid_field", f"`limit` must be between 1 and {MAX_LIMIT}.", "limit")
        return int(text)

    @property
    def stream_cursor(self) -> str | None:
        """Where the page begins, as the page before it said, of a list that is a stream in the store.

        Raises GatewayError `invalid_field`, as the next one does.
        """
        cursor = self.cursor(_STREAM_CURSOR)
        if cursor is not None and not cursor.strip("0-"):
            raise _no_cursor()
        return cursor

    def cursor(self, shape: re.Pattern[str]) -> str | None:
        """The same, of a list whose items have names of this shape."""
        text = self.query.get("cursor") or None
        if text is not None and not shape.fullmatch(text):
            raise _no_cursor()
        return text

    def time(self, name: str) -> float | None:
        """A time of the query, or a date, which stands for its first moment in UTC; in seconds since the epoch. Raises
        GatewayError `invalid_field`."""
        text = self.query.get(name)
        if not text:
            return None
        if _DATE.fullmatch(text):
            text += "T00:00:00Z"
        try:
            return timestamps.to_seconds(text.replace(" ", "+"))  # a plus sign, unless it is escaped, is a space here
        except (ValueError, OverflowError) as error:
            raise GatewayError("invalid_field", f"`{name}`: {error}.", name) from None


def _no_cursor() -> GatewayError:
    return GatewayError("invalid_field", "`cursor` must be what the page before answered.", "cursor")


class Answered(Struct, frozen=True):
    """What an operation answers. `body` None: no body; an Export is sent as it comes."""

    body: Any
    status: int = 200
    changed: Changed[Any] | None = None


class Export(Struct, frozen=True):
    """A body that is not held whole: its parts as they come from the store, to be kept as a file of this name."""

    parts: AsyncIterator[bytes]
    media_type: str
    filename: str


Operation = Callable[[Asked], Awaitable[Answered]]


class AdminRoute(Struct, frozen=True):
    """A row of the API's table: all that outsiders are told of a route, with the docstring of its operation.

    `body` is the Struct that a request must be; None where none is read. `answer` is the type of what is answered, None
    where nothing is; `exports` are the media types that it can be had in besides. `errors` are rows of the table of
    errors beyond those that follow from the rest. `reads`: it changes nothing, though it is no GET.
    """

    method: str
    path: str
    action: Action
    operation: Operation
    body: type[Struct] | None = None
    answer: Any = None
    statuses: tuple[int, ...] = (200,)
    parameters: tuple[Parameter, ...] = ()
    exports: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    reads: bool = False

    @property
    def is_change(self) -> bool:
        """Whether it is answered as a change is."""
        return self.method != "GET" and not self.reads

    @property
    def all_errors(self) -> frozenset[str]:
        """Every row of the table of errors that it may be answered with."""
        found = {*_ERRORS, *self.errors}
        if "{tenant}" in self.path:
            found.add("tenant_mismatch")
            if not (self.method == "PUT" and self.path.endswith("{tenant}")):  # which makes it
                found.add("tenant_not_found")
        if self.body is not None:
            found |= {"invalid_json", "request_too_large", "unknown_field", "invalid_field"}
        if PAGE[0] in self.parameters:
            found.add("invalid_field")
        return frozenset(found | set(_OF_CHANGES)) if self.is_change else frozenset(found)


_ERRORS = ("invalid_api_key", "forbidden_role", "internal_error", "store_unavailable")
_OF_CHANGES = ("conflict", "store_diverged")


def mount(
    route: AdminRoute, routes: Routes, used: Callable[[str, float], None], trusted: Sequence[Network] = ()
) -> StarletteRoute:
    """The row as a Starlette route. `trusted` are the proxies whose word on the caller's address is taken; `used` hears
    which key was used, and when."""

    told = {parameter.name for parameter in route.parameters}

    async def endpoint(request: Request) -> Response:
        try:
            caller = _identify(request, routes)
            used(caller.key_id, time.time())
            tenant = request.path_params.get("tenant", "")
            refusal = access.refuse(caller, route.action, tenant or None)
            if refusal is not None:
                raise GatewayError(refusal.code)
            asked = Asked(
                caller=caller,
                tenant=tenant,
                body=await _body(request, route.body),
                path=dict(request.path_params),
                query={name: text for name, text in request.query_params.items() if name in told},
                headers={name: value for name, value in request.headers.items() if not is_credential(name)},
                address=_address(request, trusted),
            )
            return _answer(await route.operation(asked))
        except GatewayError as error:
            return error_response(error)
        except StoreUnavailable as error:
            return error_response(store_error(error, route.path))
        except ClientDisconnect:
            return Response(status_code=400)

    return StarletteRoute("/admin/api" + route.path, endpoint, methods=[route.method])


def store_error(error: StoreUnavailable, route: str) -> GatewayError:
    """What a caller is told of a store that cannot be used; the log has the cause."""
    if isinstance(error, StoreDiverged):
        return GatewayError("store_diverged")
    log.warning("store_unavailable", route=route, cause=str(error), unsure=error.unsure)
    if error.unsure:
        return GatewayError("store_unavailable", _UNSURE)
    return GatewayError(_OF_STORE[error.lacks])


def error_response(error: GatewayError) -> Response:
    """The error as a response."""
    headers = {name.decode(): value.decode() for name, value in error.headers()}
    return Response(error.body(), error.kind.status, headers)


def _identify(request: Request, routes: Routes) -> Caller:
    key = presented_key(request.headers.raw)
    caller = routes.caller(key) if key else None
    if caller is None:
        raise GatewayError("invalid_api_key")
    return caller


def _address(request: Request, trusted: Sequence[Network]) -> str | None:
    peer = request.client.host if request.client else None
    return client_address(peer, request.headers.getlist("x-forwarded-for"), trusted)


async def _body(request: Request, shape: type[Struct] | None) -> Any:
    """The body as `shape`; an empty one is `{}`. Raises GatewayError, with the field's path."""
    if shape is None:
        return None
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > _MAX_BODY:
            raise GatewayError("request_too_large")
    try:
        return msgspec.json.decode(bytes(raw) or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise invalid(str(error), shape) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GatewayError("invalid_json", f"The body is not JSON: {error}.") from None


def invalid(words: str, shape: type[Struct]) -> GatewayError:
    """msgspec's words with the field's path taken out of them."""
    at = _AT.search(words)
    where = at[1] if at else ""
    words = _AT.sub("", words)
    unknown = _UNKNOWN.search(words)
    if unknown:
        path = f"{where}.{unknown[1]}".lstrip(".")
        return GatewayError("unknown_field", f"The field `{path}` is not known here.", path)
    missing = re.search(r"missing required field `(.+?)`", words)
    if missing:
        path = f"{where}.{missing[1]}".lstrip(".")
        return GatewayError("invalid_field", f"The field `{path}` is required.", path)
    allowed = _allowed(shape, where)
    expected = f"; it may be {', '.join(allowed)}" if allowed else ""
    return GatewayError("invalid_field", f"{where or 'The body'}: {words}{expected}.", where or None)


def _allowed(shape: type[Struct], where: str) -> list[str]:
    """The values that a field of few may have, for the words of an error."""
    described = msgspec.inspect.type_info(shape)
    for field in described.fields if isinstance(described, msgspec.inspect.StructType) and "." not in where else ():
        kinds = getattr(field.type, "types", (field.type,))
        literals = [kind for kind in kinds if isinstance(kind, msgspec.inspect.LiteralType)]
        if field.encode_name == where and literals:
            return [str(value) for value in literals[0].values]
    return []


def _answer(answered: Answered) -> Response:
    headers = {"cache-control": "no-store"}
    if answered.changed is not None:
        headers.update(answered.changed.headers())
    if answered.body is None:
        return Response(status_code=204, headers=headers)
    if isinstance(answered.body, Export):
        return Exported(answered.body, headers)
    headers["content-type"] = "application/json"
    return Response(msgspec.json.encode(answered.body), answered.status, headers)


class Exported(StreamingResponse):
    """An export on its way. Where the store breaks off, so does the body, without its end: nobody takes it for all."""

    def __init__(self, export: Export, headers: dict[str, str]) -> None:
        headers["content-disposition"] = f'attachment; filename="{export.filename}"'
        super().__init__(export.parts, headers=headers, media_type=export.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the base class; a body that is not ended makes the server end the connection."""
        try:
            await super().__call__(scope, receive, send)
        except StoreUnavailable as error:
            log.warning("export_broken_off", cause=str(error))
