"""The translator's process: `python -m gateway.translator`, in one of two ways.

`--socket PATH`: a gateway's child. It writes `ready` to its standard output when it answers on the socket, and ends
when its standard input does. Where nothing was said there, the gateway was killed, and its directory is removed in its
stead.

`--listener NUMBER`: by itself, as `housestyle translator` starts it, on the bound socket of that number. The tokens
that open it are on its standard input, one a line. It says on its standard output that it listens, and ends at SIGTERM.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import threading
import traceback
from pathlib import Path
from types import FrameType

from gateway.translator import floor
from gateway.translator.backend import Backend
from gateway.translator.door import Door
from gateway.translator.listening import Certificate, serve
from gateway.translator.saying import say
from gateway.translator.server import Server
from gateway.upstream.addresses import Guard

_GRACE_SECONDS = 5


def main() -> None:
    """Serves until it is told to end."""
    given = _arguments()
    os.umask(0o077)
    if given.socket is not None:
        _as_child(given)
        return
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)  # uvicorn raises the signal again once it has shut down
    code: object = 1
    try:
        _by_itself(given)
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - whatever it is: it is said, and this ends
        traceback.print_exc()
    shutil.rmtree(given.remove, ignore_errors=True)
    say("translator_ended", "info")
    os._exit(code if isinstance(code, int) else 0)  # litellm's handlers at exit may take half a minute over nothing


def _as_child(given: argparse.Namespace) -> None:
    _when_parent_is_gone(given.remove)
    said = _own_output()
    floor.lay(Guard(given.allow), os.environ)
    server = Server(Backend(given.allow))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        given.socket.unlink(missing_ok=True)
        listener.bind(str(given.socket))
        given.socket.chmod(0o600)
        listener.listen(1024)
        os.write(said, b"ready\n")  # the kernel takes connections from here on
        os.close(said)
        asyncio.run(serve(server, listener, grace=_GRACE_SECONDS))


def _by_itself(given: argparse.Namespace) -> None:
    """Nothing is listened to before litellm is imported: until then whoever looks is refused, and does not wait."""
    with socket.socket(fileno=given.listener) as listener:
        tokens = _tokens()
        said = _own_output()
        certificate = Certificate(given.certificate, given.key) if given.certificate is not None else None
        say("translator_starting", "info")
        floor.lay(Guard(given.allow), os.environ)
        door = Door(Server(Backend(given.allow)), tokens)

        def ready() -> None:
            host, port = listener.getsockname()[:2]
            scheme = "http" if certificate is None else "https"
            host = f"[{host}]" if ":" in host else host
            os.write(said, f"housestyle translator listening on {scheme}://{host}:{port}\n".encode())
            say("translator_started", "info")

        asyncio.run(serve(door, listener, grace=given.drain, certificate=certificate, ready=ready))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gateway.translator")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--socket", type=Path)
    way.add_argument("--listener", type=int)
    parser.add_argument("--remove", type=Path, required=True)
    parser.add_argument("--allow", type=ipaddress.ip_network, action="append", default=[])
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--drain", type=int, default=_GRACE_SECONDS)
    return parser.parse_args()


def _tokens() -> list[str]:
    """What stands on standard input, which is nothing from then on."""
    with os.fdopen(os.dup(0), encoding="ascii") as given:
        found = given.read().split()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return found


def _own_output() -> int:
    """Standard output for ourselves; what libraries print goes to standard error."""
    said = os.dup(1)
    os.dup2(2, 1)
    return said


def _leave(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def _when_parent_is_gone(directory: Path) -> None:
    """Ends this process when standard input does: at once, since nobody is left to hear an answer."""

    def watch() -> None:
        said = b""
        with contextlib.suppress(OSError):
            while part := os.read(0, 4096):
                said = part
        if not said:
            shutil.rmtree(directory, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    main()
