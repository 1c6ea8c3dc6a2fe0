"""What the store has confirmed of a change that was just made: whether it outlives the server that took it.

Asked with the change, on the same connection and in the same round trip. `confirmed` is the rule; the rest asks.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import redis.asyncio as aioredis
from msgspec import Struct
from redis.exceptions import RedisError

# How long a change waits for the confirmation, less than a client waits for an answer: of a replica; and of a disk,
# which `appendfsync everysec` keeps waiting for up to a second.
_REPLICA_MS = 800
_DISK_MS = 1500
# How long it is believed how many replicas the server has.
_FRESH_SECONDS = 3.0


class Learnt(Struct, frozen=True):
    """What is known after a change; None: the server would not say.

    `replicas`: those of Redis's own that were connected; `taken`: how many of them have the change (WAIT); `synced`:
    how many disks of this server's, 0 or 1 (WAITAOF, from 7.2 on); `settings`: what CONFIG GET shows of the
    append-only file.
    """

    replicas: int | None = None
    taken: int | None = None
    synced: int | None = None
    settings: Mapping[str, str] | None = None


def confirmed(learnt: Learnt) -> bool:
    """Whether the change is safe: where there are replicas, one has it; where there are none, it is on this disk."""
    if learnt.replicas:
        return (learnt.taken or 0) >= 1
    if learnt.synced is not None:
        return learnt.synced >= 1
    settings = learnt.settings or {}
    return settings.get("appendonly") == "yes" and settings.get("appendfsync") == "always"


class Durability:
    """Asks a server what it confirms. What it can be asked is learnt once, and after `forget`; that takes a round trip,
    no question does. How many replicas there are comes with the questions."""

    def __init__(self, client: aioredis.Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._waitaof: bool | None = None
        self._replicas = 0
        self._learnt = float("-inf")

    def forget(self) -> None:
        """The server was away: it may be another now."""
        self._waitaof = None

    async def learn(self) -> None:
        """Learns what this server can be asked, where that is not known. Raises redis-py's errors where it is away."""
        if self._waitaof is not None:
            return
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.execute_command("WAITAOF", 0, 0, 1)
            pipe.info("replication")
            waitaof, info = await pipe.execute(raise_on_error=False)
        self._take(info)
        self._waitaof = not isinstance(waitaof, Exception)

    def ask(self, pipe: Any) -> "Questions":
        """Puts the questions behind a change, in its pipeline."""
        asked = []
        if self._replicas:
            pipe.execute_command("WAIT", 1, _REPLICA_MS)
            asked.append("taken")
        elif self._waitaof:
            pipe.execute_command("WAITAOF", 1, 0, _DISK_MS)
            asked.append("synced")
        else:
            pipe.config_get("append*")
            asked.append("settings")
        if self._clock() - self._learnt > _FRESH_SECONDS:
            pipe.info("replication")
            asked.append("info")
        return Questions(tuple(asked), self._replicas)

    def judge(self, questions: "Questions", answers: list[Any]) -> bool:
        """What the answers say, in the order of the questions."""
        found = dict(zip(questions.asked, answers, strict=True))
        if "info" in found:
            self._take(found["info"])
        return confirmed(
            Learnt(
                questions.replicas,
                _number(found.get("taken")),
                _number(found.get("synced")),
                _settings(found.get("settings")),
            ),
        )

    def _take(self, info: Any) -> None:
        """How many replicas there are; where that may not be asked, none."""
        self._replicas = 0 if isinstance(info, Exception) else int(info.get("connected_slaves", 0))
        self._learnt = self._clock()


class Questions(Struct, frozen=True):
    """What was asked with a change, and of how many replicas it was known then."""

    asked: tuple[str, ...]
    replicas: int


def _number(answer: Any) -> int | None:
    if answer is None or isinstance(answer, RedisError):
        return None
    return int(answer[0] if isinstance(answer, list) else answer)


def _settings(answer: Any) -> Mapping[str, str] | None:
    if answer is None or isinstance(answer, RedisError):
        return None
    return {_text(name): _text(value) for name, value in cast("dict[Any, Any]", answer).items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
