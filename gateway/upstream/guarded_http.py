"""The address guard for the SDKs, which bring an HTTP client of their own: a transport that goes only where the
guard lets it. Used by the job worker; the data plane has its own connections.
"""

from collections.abc import Mapping
from typing import Any

import httpx2

from gateway.upstream.addresses import AddressNotAllowed, Found, Guard, Origin
from gateway.upstream.dialling import judge_for_proxy
from gateway.upstream.proxy import Proxies, Proxy

_CONNECT_SECONDS = 10.0  # where the request does not say


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Resolves and judges the host, then connects to the judged address under the host's own name.

    Through a proxy it is the proxy that resolves; what can be judged here is judged before.
    """

    def __init__(self, guard: Guard, proxies: Proxies | None = None) -> None:
        self._guard = guard
        self._proxies = proxies
        self._inner = httpx2.AsyncHTTPTransport(trust_env=True)
        self._proxied = _proxied(proxies.proxy) if proxies else None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2. A refused address is a connection that cannot be made."""
        url = request.url
        origin = Origin(url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        try:
            if self._proxies and self._proxied and not self._proxies.bypasses(origin):
                seconds = request.extensions.get("timeout", {}).get("connect") or _CONNECT_SECONDS
                await judge_for_proxy(self._guard, origin, seconds)
                return await self._proxied.handle_async_request(request)
            addresses = await self._guard.resolve(origin.host, origin.port)
        except AddressNotAllowed as refused:
            raise httpx2.ConnectError(str(refused), request=request) from None
        except OSError as error:
            raise httpx2.ConnectError(f"{url.host} does not resolve: {error.strerror}", request=request) from None
        return await self._any_of(addresses, request)

    async def _any_of(self, addresses: Found, request: httpx2.Request) -> httpx2.Response:
        """Tries each judged address in turn; the last failure is the one told."""
        url = request.url
        failure: httpx2.TransportError | None = None
        extensions = _shared(request.extensions, len(addresses))
        for _, address in addresses:
            request.url = url.copy_with(host=address[0])
            request.extensions = {**extensions, "sni_hostname": url.host}
            try:
                return await self._inner.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure or httpx2.ConnectError(f"{url.host} has no address", request=request)

    async def aclose(self) -> None:
        """See httpx2."""
        await self._inner.aclose()
        if self._proxied:
            await self._proxied.aclose()


def _proxied(proxy: Proxy) -> httpx2.AsyncHTTPTransport:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    headers = [(b"proxy-authorization", proxy.authorization)] if proxy.authorization else []
    return httpx2.AsyncHTTPTransport(proxy=httpx2.Proxy(f"http://{host}:{proxy.port}", headers=headers))


def _shared(extensions: Mapping[str, Any], addresses: int) -> dict[str, Any]:
    """The request's extensions, its time to connect shared between so many addresses."""
    timeout = dict(extensions.get("timeout", {}))
    if timeout.get("connect") is not None and addresses > 1:
        timeout["connect"] /= addresses
    return {**extensions, "timeout": timeout}


def client(guard: Guard, proxies: Proxies | None = None) -> httpx2.AsyncClient:
    """An HTTP client that goes only where the guard lets it, and follows no redirect."""
    return httpx2.AsyncClient(transport=GuardedTransport(guard, proxies), follow_redirects=False, trust_env=False)
