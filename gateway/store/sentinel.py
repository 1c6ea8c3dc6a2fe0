"""Connections to whichever server the Sentinels call the master. Of what an address looks like, nothing is here.

redis-py's own SentinelConnectionPool neither waits for a free connection nor bounds the time that a Sentinel may
take, and learns of a failover only when a connection breaks. So this is redis-py's blocking pool, its connections
told where to go. A Sentinel is asked beside what goes on, never on the way of a command whose connection stands.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis.asyncio as aioredis
from redis import exceptions
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

# How long the Sentinels' word holds, and how long each may take to give it.
_FRESH_SECONDS = 1.0
_SENTINEL_SECONDS = 0.5
_GREETING_SECONDS = 2.0

Place = tuple[str, int]
State = Mapping[str, Any]


def master_of(states: Iterable[State]) -> Place | None:
    """Where the master is, by what each Sentinel says (`SENTINEL MASTER`); None where it is down or unknown.

    The newest configuration holds: a Sentinel that was cut off may still name a master that was replaced.
    """
    known = list(states)
    newest = max((int(state["config-epoch"]) for state in known), default=0)
    for state in known:
        if int(state["config-epoch"]) == newest and not (state["is_sdown"] or state["is_odown"]):
            return str(state["ip"]), int(state["port"])
    return None


class Masters:
    """Asks the Sentinels for the master of `service`, all at once, and remembers what they said."""

    def __init__(self, service: str, sentinels: Iterable[Place], options: Mapping[str, Any]) -> None:
        self.last: Place | None = None
        self._service = service
        self._sentinels = [_client(host, port, options) for host, port in sentinels]
        self._asked = float("-inf")
        self._asking: asyncio.Task[Place] | None = None

    async def address(self) -> Place:
        """Where the master is. Raises redis-py's ConnectionError where no Sentinel knows one that is up."""
        if self.last is not None and self._fresh():
            return self.last
        return await asyncio.shield(self._ask())

    def look(self) -> None:
        """Asks again in the background, where the last answer is old; `last` shows it."""
        if not self._fresh():
            self._ask()

    def doubt(self) -> None:
        """The last answer led nowhere: the next connection asks again."""
        self._asked = float("-inf")

    async def close(self) -> None:
        """Closes the connections to the Sentinels."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await asyncio.gather(*(client.aclose() for client in self._sentinels), return_exceptions=True)

    def _fresh(self) -> bool:
        return time.monotonic() - self._asked < _FRESH_SECONDS

    def _ask(self) -> "asyncio.Task[Place]":
        """The one question that is under way."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._master())
            self._asking.add_done_callback(_heard)
        return self._asking

    async def _master(self) -> Place:
        answers = await asyncio.gather(*(self._state(client) for client in self._sentinels))
        master = master_of(answer for answer in answers if not isinstance(answer, str))
        if master is None:
            said = {answer for answer in answers if isinstance(answer, str)} or {"they call it down"}
            raise exceptions.ConnectionError(
                f"the Sentinels know no master of {self._service!r}: {'; '.join(sorted(said))}"
            )
        self.last, self._asked = master, time.monotonic()
        return master

    async def _state(self, client: aioredis.Redis) -> State | str:
        """What one Sentinel says of the service, or why it says nothing."""
        try:
            async with asyncio.timeout(_SENTINEL_SECONDS):
                return cast("State", await client.sentinel_master(self._service))
        except (exceptions.RedisError, OSError) as error:
            return str(error) or type(error).__name__


class MasterConnection(Connection):
    """A connection to the master, wherever that is when it connects."""

    def __init__(self, *, masters: Masters, **options: Any) -> None:
        self._masters = masters
        super().__init__(**options)

    @property
    def place(self) -> Place:
        """Where it leads, or led last."""
        return self.host, int(self.port)

    async def _connect(self) -> None:
        self.host, self.port = await self._masters.address()
        try:
            await super()._connect()  # type: ignore[no-untyped-call]
        except BaseException:
            self._masters.doubt()
            raise

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """As redis-py does, and then a look at whether this is a master: a Sentinel may be the last to know."""
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                await super().on_connect_check_health(check_health)
                await self.send_command("ROLE", check_health=False)
                role = await self.read_response()
        except exceptions.NoPermissionError:  # then the Sentinels' word has to do
            return
        except TimeoutError:
            self._masters.doubt()
            raise exceptions.TimeoutError("the server does not say whether it is the master") from None
        if role[0] not in (b"master", "master"):
            self._masters.doubt()
            raise exceptions.ConnectionError(f"{self.host}:{self.port} is no longer the master")

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """As redis-py does; what shows that this is no master any more makes the next connection ask."""
        try:
            return await super().read_response(*args, **options)
        except (exceptions.ConnectionError, exceptions.TimeoutError):
            self._masters.doubt()
            raise
        except exceptions.ResponseError as error:
            if "READONLY" in str(error):  # of a script, it stands in the middle
                self._masters.doubt()
                self.mark_for_reconnect()  # type: ignore[no-untyped-call]
            raise


class MasterSSLConnection(MasterConnection, SSLConnection):
    """The same with TLS."""


class MasterPool(aioredis.BlockingConnectionPool):
    """redis-py's blocking pool, over connections that know their way. It owns `masters`."""

    def __init__(self, masters: Masters, *, ssl: bool = False, **options: Any) -> None:
        self._masters = masters
        kind = MasterSSLConnection if ssl else MasterConnection
        super().__init__(connection_class=kind, masters=masters, **options)

    async def ensure_connection(self, connection: Any) -> None:
        """Before each use: a connection to a master that was replaced is dropped, though it may still answer."""
        if connection.is_connected:
            self._masters.look()
            if self._masters.last != connection.place:
                with contextlib.suppress(exceptions.RedisError, OSError):
                    await connection.disconnect()
        await super().ensure_connection(connection)

    async def aclose(self) -> None:
        """Closes everything."""
        await super().aclose()
        await self._masters.close()


def _client(host: str, port: int, options: Mapping[str, Any]) -> aioredis.Redis:
    return aioredis.Redis(
        host=host,
        port=port,
        protocol=2,
        socket_timeout=_SENTINEL_SECONDS,
        socket_connect_timeout=_SENTINEL_SECONDS,
        retry=Retry(NoBackoff(), 0),
        **options,
    )


def _heard(task: "asyncio.Task[Place]") -> None:
    """Takes an error that nobody waited for: it comes again with the next connection."""
    if not task.cancelled():
        task.exception()
