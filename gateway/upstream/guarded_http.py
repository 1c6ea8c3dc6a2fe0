"""The address guard for the SDKs, which bring an HTTP client of their own: a transport that goes only where the
guard lets it. Used by the job worker; the data plane has its own connections.
"""

from collections.abc import Mapping
from typing import Any

import httpx2

from gateway.upstream.addresses import AddressNotAllowed, Guard


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Resolves and judges the host, then connects to the judged address under the host's own name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpx2.AsyncHTTPTransport(trust_env=True)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2. A refused address is a connection that cannot be made."""
        url = request.url
        try:
            addresses = await self._guard.resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
        except AddressNotAllowed as refused:
            raise httpx2.ConnectError(str(refused), request=request) from None
        except OSError as error:
            raise httpx2.ConnectError(f"{url.host} does not resolve: {error.strerror}", request=request) from None
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


def _shared(extensions: Mapping[str, Any], addresses: int) -> dict[str, Any]:
    """The request's extensions, its time to connect shared between so many addresses."""
    timeout = dict(extensions.get("timeout", {}))
    if timeout.get("connect") is not None and addresses > 1:
        timeout["connect"] /= addresses
    return {**extensions, "timeout": timeout}


def client(guard: Guard) -> httpx2.AsyncClient:
    """An HTTP client that goes only where the guard lets it, and follows no redirect."""
    return httpx2.AsyncClient(transport=GuardedTransport(guard), follow_redirects=False, trust_env=False)
