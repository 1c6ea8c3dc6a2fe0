"""Making a connection: where the guard lets it go, by TLS, through the proxy, or to a Unix socket.

Every failure becomes a GatewayError here. Nothing is said on the connection but to a proxy.
"""

import asyncio
import ssl

from gateway.errors import GatewayError
from gateway.upstream import tls as tls_words
from gateway.upstream.addresses import AddressNotAllowed, Found, Guard, Origin
from gateway.upstream.connection import RECEIVED, Connection, Disconnected
from gateway.upstream.proxy import Proxies, Proxy


class Dialler:
    """Connects to origins within `seconds`, TLS and the proxy's part included."""

    def __init__(self, guard: Guard, seconds: float, tls: ssl.SSLContext, proxies: Proxies | None) -> None:
        self._guard = guard
        self._seconds = seconds
        self._tls = tls
        self._proxies = proxies
        self._buffer = memoryview(bytearray(RECEIVED))

    async def connect(self, origin: Origin) -> Connection:
        """A new connection. Raises GatewayError `upstream_unreachable` or `upstream_timeout`."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._connect(origin)
        except TimeoutError:
            raise GatewayError("upstream_timeout", "The provider could not be connected to in time.") from None
        except AddressNotAllowed as refused:
            raise _unreachable(f"The provider's address is not allowed: {refused}.") from None
        except ssl.SSLError as error:
            raise _unreachable(tls_words.words(error)) from None
        except OSError as error:
            why = error.strerror or str(error) or "it closed the connection before TLS was agreed"
            raise _unreachable(f"The provider could not be reached: {why}.") from None

    async def _connect(self, origin: Origin) -> Connection:
        if origin.unix:
            return await self._unix(origin)
        proxy = self._proxies.of(origin) if self._proxies else None
        if proxy is not None:
            return await self._through(proxy, origin)
        return await self._any_of(await self._guard.resolve(origin.host, origin.port), origin)

    def _protocol(self) -> Connection:
        return Connection(self._buffer)

    def _context(self, origin: Origin) -> tuple[ssl.SSLContext | None, str | None]:
        """TLS and the name that the certificate must be for."""
        return (self._tls, origin.host) if origin.scheme == "https" else (None, None)

    async def _unix(self, origin: Origin) -> Connection:
        tls, name = self._context(origin)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_unix_connection(self._protocol, origin.unix, ssl=tls, server_hostname=name)
        return connection

    async def _any_of(self, addresses: Found, origin: Origin) -> Connection:
        """Tries each judged address in turn; the last failure is the one told."""
        loop = asyncio.get_running_loop()
        tls, name = self._context(origin)
        failure: OSError = OSError("the name has no address")
        for _, address in addresses:
            try:
                async with asyncio.timeout(self._seconds / len(addresses)):  # a dead one leaves time to the rest
                    _, connection = await loop.create_connection(
                        self._protocol, address[0], address[1], ssl=tls, server_hostname=name
                    )
            except ssl.SSLError:
                raise
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure

    async def _through(self, proxy: Proxy, origin: Origin) -> Connection:
        """A tunnel through the proxy, and TLS with the origin inside it."""
        await judge_for_proxy(self._guard, origin, self._seconds)
        loop = asyncio.get_running_loop()
        try:
            _, tunnel = await loop.create_connection(self._protocol, proxy.host, proxy.port)
        except OSError as error:
            raise _unreachable(f"The proxy could not be reached: {error.strerror or error}.") from None
        try:
            await _open(tunnel, proxy, origin)
            return await self._tls_inside(tunnel, origin)
        except BaseException:
            tunnel.abort()
            raise

    async def _tls_inside(self, tunnel: Connection, origin: Origin) -> Connection:
        connection = self._protocol()
        assert tunnel.transport is not None  # noqa: S101 - the proxy has just answered on it
        transport = await asyncio.get_running_loop().start_tls(
            tunnel.transport, connection, self._tls, server_hostname=origin.host
        )
        if transport is None:
            raise ConnectionResetError
        connection.connection_made(transport)  # start_tls does not
        return connection


async def judge_for_proxy(guard: Guard, origin: Origin, seconds: float) -> None:
    """Raises AddressNotAllowed for an address, or a name that leads to one, that is not allowed.

    In a network that is locked down only the proxy may know the name: then it is the proxy that says where it leads.
    A quarter of `seconds`, the time to connect, is given to the finding out.
    """
    try:
        async with asyncio.timeout(seconds / 4):
            await guard.resolve(origin.host, origin.port)
    except OSError:  # TimeoutError is one
        return


async def _open(tunnel: Connection, proxy: Proxy, origin: Origin) -> None:
    """Asks for the tunnel. What the proxy says is bounded as any answer's head is."""
    tunnel.send(proxy.connect(origin.host, origin.port), b"")
    try:
        await tunnel.head()
    except Disconnected:
        raise _unreachable("The proxy closed the connection.") from None
    except GatewayError:
        raise _unreachable("The proxy's answer could not be read.") from None
    if tunnel.status == 407:
        raise _unreachable("The proxy wants a user and a password, or others than it was given (status 407).")
    if not 200 <= tunnel.status < 300:
        raise _unreachable(f"The proxy refused the connection with status {tunnel.status}.")
    if tunnel.closed or not tunnel.silent:
        raise _unreachable("The proxy's answer could not be read.")


def _unreachable(words: str) -> GatewayError:
    return GatewayError("upstream_unreachable", words)
