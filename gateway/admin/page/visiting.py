"""What every screen does around itself: who looks, may they, is a change really theirs, and how an error is shown.

A screen gets a Visit and answers with `Visiting.draw`; it raises GatewayError as the API's operations do.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import structlog
from msgspec import Struct, field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from gateway.admin.handling import store_error
from gateway.admin.page import guards, words
from gateway.admin.page.calling import Visitor
from gateway.admin.page.rendering import HEADERS, Rendering
from gateway.admin.page.sessions import COOKIE, Session, Sessions, no_cookie
from gateway.admin.page.tabs import BASE, TABS
from gateway.client_address import client_address
from gateway.errors import GatewayError
from gateway.store.connection import StoreUnavailable
from gateway.upstream.addresses import Network

log = structlog.get_logger(__name__)

SIGN_IN = "/admin/sign-in"
_MAX_FORM = 256 << 10


class Visit(Struct, frozen=True):
    """A request of somebody who is signed in. `names` are the path's; `form` is of a change, empty else."""

    visitor: Visitor
    session: Session
    request: Request
    names: dict[str, str]
    form: dict[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The tenant that the path names."""
        return self.names["tenant"]

    @property
    def query(self) -> dict[str, str]:
        """The query's fields."""
        return dict(self.request.query_params)

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks, which wants a part of a page."""
        return "hx-request" in self.request.headers


Screen = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Visiting:
    """Makes endpoints of screens. `used` hears which key was used, and when."""

    def __init__(
        self,
        sessions: Sessions,
        rendering: Rendering,
        trusted: Sequence[Network],
        used: Callable[[str, float], None],
        clock: Callable[[], float],
    ) -> None:
        self.sessions = sessions
        self.clock = clock
        self._rendering = rendering
        self._trusted = trusted
        self._used = used

    def screen(self, screen: Screen) -> Endpoint:
        """For GET."""

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            return await self._leave(request) if visit is None else self._renewed(visit, await screen(visit))

        return self.shown(endpoint)

    def change(self, screen: Screen) -> Endpoint:
        """For POST: from a page of ours, with the session's token in its form or in `X-CSRF-Token`."""

        async def endpoint(request: Request) -> Response:
            if not guards.is_ours(request.headers):
                raise GatewayError("cross_site")
            visit = await self._visit(request)
            if visit is None:
                return await self._leave(request)
            form = await read_form(request)
            token = request.headers.get("x-csrf-token") or form.pop("csrf", "")
            if not hmac.compare_digest(token.encode(), visit.session.csrf.encode()):
                raise GatewayError("cross_site")
            changing = Visit(visit.visitor, visit.session, request, visit.names, form)
            return self._renewed(changing, await screen(changing))

        return self.shown(endpoint)

    def shown(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its errors in words."""

        async def shown(request: Request) -> Response:
            try:
                return await endpoint(request)
            except GatewayError as error:
                return self.refused(request, error)
            except StoreUnavailable as error:
                return self.refused(request, store_error(error, request.url.path))
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception:
                log.exception("page_failed", route=request.url.path)
                return self.refused(request, GatewayError("internal_error"))

        return shown

    def draw(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        """A template with what every one of them may use."""
        common = {
            "visit": visit,
            "base": BASE,
            "tabs": TABS,
            "here": str(visit.request.url.path),
            "fragment": visit.is_fragment,
            "tab": "",
            "firm": None,
            "live": None,
        }
        return self._rendering.page(template, status, **(common | values))

    def refused(self, request: Request, error: GatewayError) -> Response:
        """An error in words; to htmx as the page's notice."""
        told = words.refusal(error)
        fragment = "hx-request" in request.headers
        common = {"visit": None, "firm": None, "live": None, "base": BASE, "fragment": fragment}
        response = self._rendering.page("refused.html", error.kind.status, told=told, **common)
        if fragment:
            response.headers.update({"hx-retarget": "#notice", "hx-reswap": "innerHTML", "hx-reselect": ".note"})
        for name, value in error.headers():
            if name == b"retry-after":
                response.headers[name.decode()] = value.decode()
        return response

    def sign_in_form(self, status: int = 200, **values: Any) -> Response:
        """The form of somebody who is not signed in."""
        common = {"visit": None, "firm": None, "live": None, "base": BASE, "fragment": False}
        return self._rendering.page("sign_in.html", status, **(common | values))

    def address(self, request: Request) -> str | None:
        """Where a request came from."""
        return client_address(_peer(request), request.headers.getlist("x-forwarded-for"), self._trusted)

    def secure(self, request: Request) -> bool:
        """Whether the browser came over TLS."""
        forwarded = request.headers.getlist("x-forwarded-proto")
        return guards.is_https(request.url.scheme, _peer(request), forwarded, self._trusted)

    async def _visit(self, request: Request) -> Visit | None:
        found = await self.sessions.find(request.cookies.get(COOKIE))
        if found is None:
            return None
        session, caller = found
        self._used(caller.key_id, self.clock())
        names = {name: str(value) for name, value in request.path_params.items()}
        return Visit(Visitor(caller, self.address(request)), session, request, names)

    def _renewed(self, visit: Visit, response: Response) -> Response:
        """What a page asks for by itself keeps no session alive, so that an open page is not for ever."""
        by_itself = visit.is_fragment and visit.request.method == "GET"
        renewed = None if by_itself else self.sessions.renewed(visit.session)
        if renewed is not None and "set-cookie" not in response.headers:
            secure = self.secure(visit.request)
            response.headers["set-cookie"] = self.sessions.cookie(renewed, secure=secure)
        return response

    async def _leave(self, request: Request) -> Response:
        """To the form, which says why; a cookie that is worth nothing any more is taken away."""
        fragment = "hx-request" in request.headers
        wanted = request.url.path
        if fragment or request.method != "GET":
            wanted = urlsplit(request.headers.get("hx-current-url", BASE)).path
        cookie = request.cookies.get(COOKIE)
        target = await self.way_out(cookie, wanted)
        if fragment:  # no error, which browsers would complain of: htmx does as the header says
            response = Response(headers={**HEADERS, "hx-redirect": target})
        else:
            response = RedirectResponse(target, 303, HEADERS)
        if cookie:
            response.headers["set-cookie"] = no_cookie(secure=self.secure(request))
        return response

    async def way_out(self, cookie: str | None, wanted: str) -> str:
        """The address of the form for who has no session any more, or never had one; `wanted` is where they go on."""
        if not cookie:
            return f"{SIGN_IN}?next={quote(wanted)}"
        try:
            why = "left" if await self.sessions.is_left(cookie) else "ended"
        except StoreUnavailable:
            why = "ended"
        return f"{SIGN_IN}?next={quote(wanted)}&{why}=1"


async def read_form(request: Request) -> dict[str, str]:
    """A form's fields; of a name that comes twice the last. Raises GatewayError."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > _MAX_FORM:
            raise GatewayError("request_too_large")
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        raise GatewayError("malformed_request") from None


def _peer(request: Request) -> str | None:
    return request.client.host if request.client else None
