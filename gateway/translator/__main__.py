"""The translator's process: `python -m gateway.translator --socket PATH [--remove DIRECTORY] [--allow CIDR]…`.

It writes `ready` to its standard output when it answers on the socket, and ends when its standard input does. Where
nothing was said there, the gateway was killed, and DIRECTORY is removed in its stead.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import os
import shutil
import socket
import threading
from pathlib import Path

import uvicorn

from gateway.translator import floor
from gateway.translator.backend import Backend
from gateway.translator.server import Server
from gateway.upstream.addresses import Guard, Network

_KEEP_ALIVE_SECONDS = 75  # longer than the gateway keeps a connection
_GRACE_SECONDS = 5


def main() -> None:
    """Serves until standard input ends."""
    path, directory, allowed = _arguments()
    _when_parent_is_gone(directory)
    said = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no part of what is said to the gateway
    os.umask(0o077)
    floor.lay(Guard(allowed), os.environ)
    server = Server(Backend(allowed))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(1024)
        os.write(said, b"ready\n")  # the kernel takes connections from here on
        os.close(said)
        asyncio.run(_serve(server, listener))


async def _serve(server: Server, listener: socket.socket) -> None:
    config = uvicorn.Config(
        server,
        loop="asyncio",  # uvloop connects without telling Python, and so past the guard
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    await uvicorn.Server(config).serve(sockets=[listener])


def _arguments() -> tuple[Path, Path | None, list[Network]]:
    parser = argparse.ArgumentParser(prog="gateway.translator")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--remove", type=Path)
    parser.add_argument("--allow", type=ipaddress.ip_network, action="append", default=[])
    given = parser.parse_args()
    return given.socket, given.remove, given.allow


def _when_parent_is_gone(directory: Path | None) -> None:
    """Ends this process when standard input does: at once, since nobody is left to hear an answer."""

    def watch() -> None:
        said = b""
        with contextlib.suppress(OSError):
            while part := os.read(0, 4096):
                said = part
        if directory is not None and not said:
            shutil.rmtree(directory, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    main()
