"""`housestyle check`: whether everything that a gateway needs is there, said in plain words, a line each.

It changes nothing: no secret is made here, and what is written to see whether it can be written is deleted again.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from redis.exceptions import RedisError

from gateway import datadir, price_lists, settings
from gateway.bootstrap import reading
from gateway.checks import collector, places, providers, records, server, translator
from gateway.checks.apart import Hangs, apart
from gateway.checks.findings import Finding, note, ok, wrong
from gateway.secrets import Keyring
from gateway.settings import Settings, SettingsError
from gateway.store.connection import Store, StoreUnavailable
from gateway.store.embedded import EmbeddedError, EmbeddedRedis, find_server, running_url
from gateway.threads import EndingThreads

_NAMED = re.compile(r"HOUSESTYLE_[A-Z_]+|HTTPS_PROXY|SSL_CERT_FILE")
_STORE_SECONDS = 60.0
_FILE_SECONDS = 5.0


def run(environ: Mapping[str, str]) -> list[Finding]:
    """Every finding, in the order of what depends on what."""
    found, read = _settings(environ)
    if read is None:
        return [*found, note("everything else", "Not looked at while the settings are wrong.")]
    if not read.embedded:
        found += _external(read)
    directory, told = asyncio.run(_local(read, environ))
    found += told
    artifacts_url = read.artifacts_url or ((read.data_dir / "artifacts").as_uri() if directory.there else None)
    with _redis(read, environ, found, directory) as url:
        found += asyncio.run(_reached(url, read, environ, artifacts_url))
    return found


def _settings(environ: Mapping[str, str]) -> tuple[list[Finding], Settings | None]:
    """All that is wrong with the variables, not only the first; and the settings where nothing is."""
    left, found = dict(environ), []
    read: Settings | None = None
    while read is None:
        try:
            read = settings.read(left)
        except SettingsError as error:
            found.append(wrong("settings", str(error)))
            named = _NAMED.search(str(error))
            if named is None or not any(left.pop(name, None) for name in (named[0], named[0].lower())):
                break
    notes = [
        note("settings", f"{name} is set and means nothing; is it misspelt?") for name in settings.unknown(environ)
    ]
    if found:
        return found + notes, None
    return [ok("settings", "All variables can be used."), *notes], read


def _external(read: Settings) -> list[Finding]:
    """What must be given where Redis is shared, since each process would make its own."""
    needed = {
        "HOUSESTYLE_ENCRYPTION_KEYS": read.encryption_keys,
        "HOUSESTYLE_ARTIFACTS_URL": read.artifacts_url,
    }
    missing = [
        wrong("settings", f"With HOUSESTYLE_REDIS_URL set, {name} must be set too.")
        for name, value in needed.items()
        if not value
    ]
    if read.admin_key is None:
        words = "HOUSESTYLE_ADMIN_KEY is not set: only admin keys that are in the store already can administer."
        missing.append(note("settings", words))
    return missing


async def _local(read: Settings, environ: Mapping[str, str]) -> tuple[places.Directory, list[Finding]]:
    """What there is to say of files and folders, each of which may lie on a mount that hangs."""
    directory, vaults, bootstrap, prices = await asyncio.gather(
        places.data_directory(read.data_dir),
        places.vault_roots(read.vault_roots),
        _bootstrap(read.bootstrap, environ),
        _prices(read.prices),
    )
    return directory, [*bootstrap, *prices, directory.finding, *vaults]


async def _bootstrap(path: Path | None, environ: Mapping[str, str]) -> list[Finding]:
    if path is None:
        return []
    try:
        document = await apart(lambda: reading.read(path, environ), _FILE_SECONDS)
    except (SettingsError, Hangs) as error:
        return [wrong("bootstrap", f"{path}: {error}")]
    return [ok("bootstrap", f"{path} has {len(document.entries)} entries.")]


async def _prices(path: Path | None) -> list[Finding]:
    if path is None:
        return []
    try:
        own = await apart(lambda: price_lists.read(path), _FILE_SECONDS)
    except (SettingsError, Hangs) as error:
        return [wrong("prices", f"{path}: {error}" if isinstance(error, Hangs) else str(error))]
    return [ok("prices", f"{path} has prices of {len(own)} models or patterns.")]


@contextlib.contextmanager
def _redis(
    read: Settings, environ: Mapping[str, str], found: list[Finding], directory: places.Directory
) -> Iterator[str | None]:
    """Where Redis is: the one set, the one that runs embedded, or one started for as long as this takes. None where
    there is none to look at, which is in `found` then."""
    if read.embedded and directory.hangs:
        found.append(note("redis", "The embedded one is not looked at while the data directory does not answer."))
        yield None
        return
    url = read.redis_url or running_url(read.data_dir)
    if url is not None:
        yield url
        return
    try:
        find_server(environ)
        if not (read.data_dir / "redis").is_dir():
            found.append(note("redis", "The embedded one has never run; the first start makes it, and its secrets."))
            yield None
            return
        with EmbeddedRedis(read.data_dir, environ) as embedded:
            yield embedded.url
    except EmbeddedError as error:
        found.append(wrong("redis", str(error)))
        yield None


async def _reached(
    url: str | None, read: Settings, environ: Mapping[str, str], artifacts_url: str | None
) -> list[Finding]:
    """Everything over a network, and what the store holds."""
    asyncio.get_running_loop().set_default_executor(EndingThreads())  # looking a name up may hang
    spans = asyncio.create_task(collector.judge(environ))
    translated = asyncio.create_task(translator.judge(read))
    artifacts = asyncio.create_task(places.artifacts(artifacts_url)) if artifacts_url is not None else None
    found = await _stored(url, read) if url is not None else []
    if artifacts is not None:
        found.append(await artifacts)
    return [*found, *await translated, *await spans]


async def _stored(url: str, read: Settings) -> list[Finding]:
    """Redis itself, then what lies in it, then where that leads."""
    found: list[Finding] = []
    try:
        async with _opened(url, read) as store, asyncio.timeout(_STORE_SECONDS):
            found += server.judge(await server.learn(store.redis))
            keyring = _keyring(read)
            if keyring is None:
                return [*found, note("secrets", "There are no encryption keys to open them with.")]
            held = await records.read(store, keyring)
    except (RedisError, StoreUnavailable, OSError) as error:
        words = str(error).rstrip(".") or "it does not answer in time"
        found.append(wrong("redis", f"It cannot be reached or used: {words}. See HOUSESTYLE_REDIS_URL."))
        return found
    except SettingsError as error:
        return [*found, wrong("secrets", str(error))]
    found += records.judge(held)
    where = providers.addresses(held.providers)
    found += providers.judge(where, await providers.reach(where.origins, read))
    return found + providers.translator(held.providers, read)


@contextlib.asynccontextmanager
async def _opened(url: str, read: Settings) -> AsyncIterator[Store]:
    store = Store(url, read.audit_days)
    try:
        yield store
    finally:
        await store.close()


def _keyring(read: Settings) -> Keyring | None:
    """The keys that are given or kept; none is made. Raises SettingsError."""
    held = read.encryption_keys or (datadir.kept_encryption_keys(read.data_dir) if read.embedded else ())
    return Keyring(held) if held else None
