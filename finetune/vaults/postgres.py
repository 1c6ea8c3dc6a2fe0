"""Chunks from PostgreSQL: the rows of one SELECT that the admin gives, as one snapshot, fetched some at a time.

The transaction is read-only and the statement goes by itself (DECLARE … CURSOR FOR, extended protocol), so that neither
a second statement nor a function of the first can write. The connection is made to a judged address, with nothing of
what the operator's own environment and home say to libpq.
"""

import asyncio
import contextlib
import os
import ssl
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from uuid import UUID

from finetune.vaults.allowed import Place
from finetune.vaults.base import BadRecord, Chunk, Reach, VaultUnreadable
from finetune.vaults.extras import Stopped, go_on, missing_extra, run, run_until
from finetune.vaults.options import Source
from finetune.vaults.records import Records

T = TypeVar("T")

_ROWS_AT_ONCE = 200
_CONNECT_SECONDS = 15
_LEAVE_SECONDS = 5
_NO_FILE = f"{os.devnull}/none"
# What libpq would else take from the environment (PGOPTIONS, PGPASSFILE) and from files in the home.
_ALONE = {
    "passfile": _NO_FILE,
    "sslcertmode": "disable",
    "gssencmode": "disable",
    "require_auth": "password,md5,scram-sha-256,none",
    "options": "",
    "application_name": "housestyle",
    "target_session_attrs": "any",
    "tcp_user_timeout": "60000",
    "keepalives_idle": "30",
}


class PostgresVault:
    """Chunks from rows, until `stopped` says so. `source.options.query` is the SELECT."""

    def __init__(self, place: Place, source: Source, records: Records, reach: Reach, stopped: Stopped) -> None:
        self._stopped = stopped
        self._place = place
        self._source = source
        self._records = records
        self._reach = reach
        self._seconds = source.options.statement_seconds

    def chunks(self) -> Iterator[Chunk | BadRecord]:
        """See base.Vault."""
        try:
            import psycopg
        except ImportError:
            raise missing_extra("postgresql:// Vaults", "postgres") from None
        number = 0
        try:
            with self._rows(psycopg) as cursor:
                while rows := self._run(cursor.fetchmany(_ROWS_AT_ONCE), f"row {number + 1}"):
                    go_on(self._stopped, f"row {number + 1}")
                    for row in rows:
                        number += 1
                        yield self._records.of_value(_plain(row), f"row {number}", number - 1)
        except psycopg.Error as error:
            place = f"row {number + 1}" if number else self._where
            raise VaultUnreadable(self._words(error), place) from None
        except (OSError, UnicodeError) as error:  # TimeoutError is one
            raise VaultUnreadable(str(error) or "the server does not answer in time", self._where) from None

    @property
    def _where(self) -> str:
        return f"the database {self._place.path[1:]} at {self._place.host}"

    @contextlib.contextmanager
    def _rows(self, psycopg: Any) -> Iterator[Any]:
        connection = run(self._connected(psycopg))
        cursor = connection.cursor("housestyle_vault", scrollable=False)
        try:
            self._run(self._begin(connection, cursor), self._where)
            yield cursor
        finally:
            run(_end(connection, cursor), seconds=10)

    def _run(self, work: Coroutine[Any, Any, T], place: str) -> T:
        return run_until(self._in_time(work), self._stopped, place)

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """The server keeps `statement_timeout` by itself; one that does not answer at all is left a little later."""
        async with asyncio.timeout(self._seconds + _CONNECT_SECONDS):
            return await work

    async def _connected(self, psycopg: Any) -> Any:
        place = self._place
        async with asyncio.timeout(2 * _CONNECT_SECONDS):
            found = await self._reach.resolve(place.host, place.port)
            addresses = list(dict.fromkeys(str(address[0]) for _, address in found))
            return await psycopg.AsyncConnection.connect(
                host=",".join([place.host] * len(addresses)),
                hostaddr=",".join(addresses),
                port=place.port,
                user=place.user,
                password=str(self._source.secrets.get("password", "")),
                dbname=place.path[1:],
                connect_timeout=_CONNECT_SECONDS,
                row_factory=psycopg.rows.dict_row,
                **_ALONE,
                **_tls(place.sslmode or "prefer"),
            )

    async def _begin(self, connection: Any, cursor: Any) -> None:
        import psycopg

        await connection.set_read_only(True)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.execute(f"SET LOCAL statement_timeout = {self._seconds * 1000:d}")
        # Bytes: psycopg takes text of a literal's type alone, so that nobody builds it; this one is the admin's own.
        await cursor.execute((self._source.options.query or "").encode())

    def _words(self, error: Any) -> str:
        """The server's own words; a connection's are many lines, of which the last says it."""
        told: str = getattr(error.diag, "message_primary", None) or str(error).strip().rpartition("\n")[2]
        return told or type(error).__name__


async def _end(connection: Any, cursor: Any) -> None:
    """Ends both, also where the server does not answer any more."""
    with contextlib.suppress(Exception):  # what went wrong has been told already
        async with asyncio.timeout(_LEAVE_SECONDS):
            await cursor.close()
    await connection.close()


def _tls(mode: str) -> dict[str, str]:
    """How certificates are judged; those who are believed are the ones that the rest of the house believes."""
    if mode not in ("verify-ca", "verify-full"):
        return {"sslmode": mode, "sslrootcert": _NO_FILE if mode != "require" else "", "sslcrl": "", "sslcrldir": ""}
    paths = ssl.get_default_verify_paths()
    return {"sslmode": mode, "sslrootcert": paths.cafile or paths.openssl_cafile, "sslcrl": "", "sslcrldir": ""}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose ids may be UUIDs."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
