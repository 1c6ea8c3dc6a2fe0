"""The floor under litellm: where this process may connect, and what its HTTP clients may do by themselves.

litellm makes its clients in many places, so the rules are set under all of them: an audit hook sees every connection
of the process, whoever makes it, and httpx is the one client that litellm's calls go through. Set once, before any
call. Nothing here knows what a call is about.

Source: PEP 578 and the audit events table of the Python library reference, `socket.connect`.
"""

import contextlib
import contextvars
import ipaddress
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateway.upstream.addresses import AddressNotAllowed, Guard

_KEPT_CONNECTIONS = 100
_LONGEST_MARK = 64
_PORTS = {"http": 80, "https": 443}


class Call:
    """What a call has opened, and what became of it below litellm, which tells such things apart by chance."""

    def __init__(self, marks: tuple[bytes, ...]) -> None:
        self.marks = marks
        self.marked = not marks  # whether one of `marks` stood in an answer
        self.responses: list[httpx.Response] = []
        self.refused: AddressNotAllowed | None = None  # the address that it was kept from
        self.not_reached = False
        self.broken = False  # the connection ended before the answer did

    async def close(self) -> None:
        """Closes its connections that are not at their answer's end, whoever holds them."""
        for response in self.responses:
            with contextlib.suppress(httpx.HTTPError, RuntimeError):
                await response.aclose()


_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar("call", default=None)


class _Body(httpx.AsyncByteStream):  # type: ignore[misc]  # httpx is not there where types are checked
    """An answer's body, whose end by force is told as a plain ReadError."""

    def __init__(self, inner: Any, call: Call | None) -> None:
        self._inner = inner
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        end = b""
        try:
            async for part in self._inner:
                if self._call is not None and not self._call.marked:
                    end = end[-_LONGEST_MARK:] + part
                    self._call.marked = any(mark in end for mark in self._call.marks)
                yield part
        except httpx.TransportError as error:
            raise _broken(error, self._call) from error

    async def aclose(self) -> None:
        """See httpx."""
        await self._inner.aclose()


@contextlib.asynccontextmanager
async def calling(marks: tuple[bytes, ...] = ()) -> AsyncIterator[Call]:
    """What is connected to inside belongs to one call, and is closed with it. `marks` are looked for in the answers."""
    call = Call(marks)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)
        await call.close()


def lay(guard: Guard, environ: Mapping[str, str]) -> None:
    """Sets the rules for this process. A proxy of `environ` may be connected to wherever it is."""
    _watch_connections(guard, _proxies(environ))
    _tame_httpx(guard)


def _watch_connections(guard: Guard, proxies: frozenset[tuple[str, int]]) -> None:
    """Judges the very address of every connection. It cannot be taken away again, by anybody."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect":
            return
        connecting, address = arguments
        if connecting.family not in (socket.AF_INET, socket.AF_INET6):
            raise PermissionError("only the Internet is connected to from here")
        host = str(address[0]).partition("%")[0]
        if (host, address[1]) in proxies:
            return
        try:
            guard.check(host, ipaddress.ip_address(host))
        except AddressNotAllowed as refused:
            call = _call.get()
            if call is not None:
                call.refused = refused
            raise PermissionError(str(refused)) from None

    sys.addaudithook(hook)


def _proxies(environ: Mapping[str, str]) -> frozenset[tuple[str, int]]:
    """Addresses of the proxies that the operator set."""
    found: set[tuple[str, int]] = set()
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        url = environ.get(name) or environ.get(name.lower()) or ""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if not url or parts.hostname is None:
            continue
        port = parts.port or _PORTS.get(parts.scheme, 1080)
        with contextlib.suppress(OSError):
            found |= {(str(row[4][0]), port) for row in socket.getaddrinfo(parts.hostname, port)}
    return frozenset(found)


def _tame_httpx(guard: Guard) -> None:
    """No redirect followed, no request sent twice, no waiting for another tenant's connection, all connections known.

    litellm's handler sends a request again on a new connection after ConnectError and RemoteProtocolError, a model's
    half-sent answer included; so these two come to it as errors that it does not know.
    """
    make, handle = httpx.AsyncHTTPTransport.__init__, httpx.AsyncHTTPTransport.handle_async_request
    send, send_synchronously = httpx.AsyncClient.send, httpx.Client.send

    def init(self: httpx.AsyncHTTPTransport, *arguments: Any, **options: Any) -> None:
        options["limits"] = httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS)
        make(self, *arguments, **options)

    async def handle_async_request(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        call = _call.get()
        await _judge(guard, request.url, call)
        try:
            response = await handle(self, request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise _not_reached(str(error), call) from error
        except httpx.TransportError as error:
            raise _broken(error, call) from error
        response.stream = _Body(response.stream, call)
        if call is not None:
            call.responses.append(response)
        return response

    async def send_once(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        return await send(self, request, **{**options, "follow_redirects": False})

    def send_once_synchronously(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        return send_synchronously(self, request, **{**options, "follow_redirects": False})

    httpx.AsyncHTTPTransport.__init__ = init
    httpx.AsyncHTTPTransport.handle_async_request = handle_async_request
    httpx.AsyncClient.send = send_once
    httpx.Client.send = send_once_synchronously


async def _judge(guard: Guard, url: httpx.URL, call: Call | None) -> None:
    """The name as this machine resolves it: behind a proxy the connection itself shows the proxy alone."""
    try:
        await guard.resolve(url.host, url.port or _PORTS.get(url.scheme, 443))
    except AddressNotAllowed as refused:
        if call is not None:
            call.refused = refused
        raise _not_reached(str(refused), call) from None
    except OSError:
        return  # the proxy may know it


def _not_reached(words: str, call: Call | None) -> httpx.NetworkError:
    if call is not None:
        call.not_reached = True
    return httpx.NetworkError(words)


def _broken(error: httpx.TransportError, call: Call | None) -> httpx.TransportError:
    if call is not None:
        call.broken = True
    return error if isinstance(error, httpx.TimeoutException) else httpx.ReadError(str(error))
