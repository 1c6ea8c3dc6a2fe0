"""A real PostgreSQL for as long as a test needs it: the machine's own programs, or Debian's unpacked (debian.py).

It refuses to run as root, so that there it is run by another user.
"""

import contextlib
import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tests.support.debian import debian_environ, postgres_binaries
from tests.support.processes import wait_until

PASSWORD = "the-admins-password"
_NOBODY = "nobody"


class Postgres(Struct, frozen=True):
    """A running server; its admin is `postgres`."""

    port: int

    def url(self, user: str = "postgres", password: str = PASSWORD, database: str = "postgres") -> str:
        """As a Vault's URL has it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def serving() -> Iterator[Postgres]:
    """A server on a free port of 127.0.0.1. Raises Missing."""
    programs = postgres_binaries()
    with tempfile.TemporaryDirectory(prefix="housestyle-postgres-") as folder, socket.socket() as free:
        data, user = Path(folder) / "data", _user(folder)
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        made = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", "-N"]
        environ = debian_environ()
        made += [f"--pwfile={secret}", "-E", "UTF8", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, user=user, env=environ)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        run = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        log = Path(folder) / "log"
        with (
            log.open("wb") as said,
            subprocess.Popen([*run, "-c", "fsync=off"], stdout=said, stderr=said, user=user, env=environ) as process,
        ):
            try:
                wait_until(lambda: process.poll() is not None or _ready(programs, port), 60, "PostgreSQL")
                assert process.poll() is None, log.read_text()[-1500:]
                yield Postgres(port)
            finally:
                process.terminate()


def _user(folder: str) -> int | None:
    """Whom it runs as; None: as us."""
    if os.geteuid() != 0:
        return None
    other = pwd.getpwnam(_NOBODY).pw_uid
    os.chown(folder, other, -1)
    return other


def _ready(programs: Path, port: int) -> bool:
    asked = subprocess.run(
        [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)], check=False, capture_output=True
    )
    return asked.returncode == 0
