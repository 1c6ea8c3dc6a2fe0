"""Redis, as `housestyle check` judges it: what it must be so that keys do not vanish and changes are not lost."""

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import redis.asyncio as aioredis
from msgspec import Struct
from redis.exceptions import RedisError, ResponseError

from gateway.checks.findings import Finding, note, ok, wrong
from gateway.store import keys

_PROBE = f"{keys.PREFIX}:check"
_SCRIPT = "redis.call('SET', KEYS[1], '1', 'PX', 1000) return redis.call('DEL', KEYS[1])"
_SETTINGS = ("maxmemory-policy", "appendonly", "appendfsync", "save", "min-replicas-to-write")
_ALLOW = "Allow this user +config|get (before 7.0: +config)"
_DENIED = f"CONFIG and INFO are denied (ACL). {_ALLOW} or +info, or look yourself."

_OLDEST = (6, 2)
_CONFIRMS_DISK = (7, 2)  # WAITAOF
_FULL = 0.95
_FILLING = 0.8

Values = Mapping[str, Any]


class Server(Struct, frozen=True):
    """What was learnt of a server that answers. `settings` and `info` are None where they may not be asked for;
    `refused`: why it does not run our script. `appends`: whether WAITAOF (7.2) can be waited for, which is so with an
    append-only file; None: it does not say."""

    milliseconds: float
    settings: Values | None = None
    info: Values | None = None
    refused: str | None = None
    appends: bool | None = None

    def says(self, setting: str, field: str) -> str | None:
        """A setting, else the field of INFO that tells the same; None: not known."""
        if self.settings is not None and setting in self.settings:
            return str(self.settings[setting])
        found = self.info.get(field) if self.info is not None else None
        return str(found) if found is not None else None


async def learn(client: aioredis.Redis) -> Server:
    """Asks a server. Raises redis-py's errors where it does not answer."""
    await cast("Any", client.ping())
    begun = time.perf_counter()
    await cast("Any", client.ping())
    milliseconds = (time.perf_counter() - begun) * 1000
    refused = None
    try:
        await cast("Any", client.eval(_SCRIPT, 1, _PROBE))
    except RedisError as error:
        refused = str(error)
    return Server(milliseconds, await _settings(client), await _info(client), refused, await _appends(client))


async def _settings(client: aioredis.Redis) -> Values | None:
    try:
        found = await cast("Any", client.config_get(*_SETTINGS[:1]))
        for name in _SETTINGS[1:]:  # several at once came with 7.0
            found |= await cast("Any", client.config_get(name))
    except RedisError:
        return None
    return {_text(name): _text(value) for name, value in found.items()}


async def _info(client: aioredis.Redis) -> Values | None:
    try:
        return cast("Values", await cast("Any", client.info()))
    except RedisError:
        return None


async def _appends(client: aioredis.Redis) -> bool | None:
    try:
        await cast("Any", client).execute_command("WAITAOF", 1, 0, 1)
    except ResponseError as error:
        return False if "appendonly is disabled" in str(error) else None
    return True


def judge(server: Server) -> list[Finding]:
    """Everything there is to say of a server that answers."""
    parts: tuple[Callable[[Server], list[Finding]], ...] = (
        _answers,
        _scripts,
        _eviction,
        _persistence,
        _memory,
        _replicas,
    )
    return [finding for part in parts for finding in part(server)]


def _answers(server: Server) -> list[Finding]:
    info = server.info
    reached = f"It answers in {server.milliseconds:.1f} ms"
    if info is None:
        return [note("redis", f"{reached}. Its version cannot be checked: INFO is denied (ACL).")]
    version = str(info["redis_version"])
    if _parts(version) < _OLDEST:
        return [wrong("redis", f"{reached}, and is Redis {version}. Use 6.2 or newer.")]
    return [ok("redis", f"{reached}; Redis {version}.")]


def _scripts(server: Server) -> list[Finding]:
    if server.refused is None:
        return [ok("redis scripts", "It takes writes by a Lua script.")]
    role = server.info.get("role") if server.info is not None else None
    if role == "slave" or "READONLY" in server.refused or "read only" in server.refused:
        words = "It is a replica and takes no writes. Set HOUSESTYLE_REDIS_URL to the master, or to the Sentinels."
    else:
        words = f"It refuses a write by a Lua script: {server.refused}. Allow EVAL, EVALSHA, SCRIPT and writes to"
        words += f" {keys.PREFIX}*, and see that its disk and memory are not full."
    return [wrong("redis scripts", words)]


def _eviction(server: Server) -> list[Finding]:
    policy = server.says("maxmemory-policy", "maxmemory_policy")
    if policy is None:
        words = "Not checked whether maxmemory-policy is noeviction, as it must be:"
        return [note("redis eviction", f"{words} {_DENIED}")]
    if policy != "noeviction":
        words = f"maxmemory-policy is {policy}: keys, tenants and jobs would vanish when memory is short. "
        return [wrong("redis eviction", words + "Set it to noeviction.")]
    return [ok("redis eviction", "maxmemory-policy is noeviction.")]


def _persistence(server: Server) -> list[Finding]:
    append_only = server.says("appendonly", "aof_enabled")
    if append_only is None and server.appends is not None:
        append_only = "yes" if server.appends else "no"
    if append_only is None:
        return [note("redis persistence", f"Not checked whether appendonly is yes, as it must be: {_DENIED}")]
    if append_only not in ("yes", "1"):
        return [wrong("redis persistence", _without_append_only(server))]
    if server.info is not None and server.info.get("aof_last_write_status", "ok") != "ok":
        return [wrong("redis persistence", "Its last write to the append-only file failed. See to its disk.")]
    return [_synced(server)]


def _without_append_only(server: Server) -> str:
    save = (server.settings or {}).get("save")
    if save:
        kept = f"It writes snapshots only (save {save}): changes since the last one would be lost"
    else:
        kept = "It writes nothing to disk: all keys, tenants and jobs would be lost" if save == "" else "AOF is off"
    return f"{kept}. Set appendonly to yes."


def _synced(server: Server) -> Finding:
    sync = (server.settings or {}).get("appendfsync")
    if sync == "always":
        return ok("redis persistence", "Append-only file, every write on disk before it is answered.")
    if sync == "no":
        words = "appendfsync is no: half a minute of changes may be lost. Set it to always, or to everysec."
        return wrong("redis persistence", words)
    if sync is None:
        words = "Append-only file. Not checked whether appendfsync is always or everysec: CONFIG is denied (ACL)."
        return note("redis persistence", f"{words} {_ALLOW}, or look yourself.")
    words = "Append-only file, appendfsync everysec: when the machine fails, up to a second of changes may be lost"
    version = _parts(str((server.info or {}).get("redis_version", "0")))
    if version >= _CONFIRMS_DISK:
        return note("redis persistence", f"{words}; an activation waits until it is on disk, up to a second.")
    return note("redis persistence", f"{words}, and `durable` is false without a replica. Set appendfsync to always.")


def _memory(server: Server) -> list[Finding]:
    info = server.info
    if info is None:
        return [note("redis memory", "The memory left cannot be checked: INFO is denied (ACL).")]
    used, most = int(info["used_memory"]), int(info.get("maxmemory", 0))
    if not most:
        return [ok("redis memory", f"{_mib(used)} used; no limit is set.")]
    share = used / most
    words = f"{_mib(used)} of {_mib(most)} used ({share:.0%})"
    if share >= _FULL:
        return [wrong("redis memory", f"{words}: changes are about to be refused. Raise maxmemory.")]
    if share >= _FILLING:
        return [note("redis memory", f"{words}. Raise maxmemory soon.")]
    return [ok("redis memory", f"{words}.")]


def _replicas(server: Server) -> list[Finding]:
    info = server.info
    if info is None:
        return [note("redis replicas", "Replicas of Redis's own cannot be checked: INFO is denied (ACL).")]
    count = int(info.get("connected_slaves", 0))
    least = (server.settings or {}).get("min-replicas-to-write")
    if count and least == "0":
        words = f"{count} of Redis's own, and min-replicas-to-write is 0: a master that is cut off goes on taking "
        return [note("redis replicas", words + "changes, which a failover then loses. Set it to 1.")]
    return [ok("redis replicas", f"{count} of Redis's own." if count else "None of Redis's own.")]


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
