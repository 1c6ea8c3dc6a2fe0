"""The sockets of a gateway: the data plane's, and the admin API's where it has one of its own.

Bound here and handed on; nothing here accepts, and nothing knows what is served.
"""

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator

from msgspec import Struct

# What the kernel may hold for a caller, in bytes, of a request and unsent of an answer: left alone it takes megabytes.
_KERNEL_RECEIVED = 256 * 1024
_KERNEL_UNSENT = 64 * 1024
_TCP_NOTSENT_LOWAT = 25  # linux/tcp.h; Python has no name for it before 3.12
_HINTS = {
    errno.EADDRINUSE: " Name another port, or end the program that has this one.",
    errno.EADDRNOTAVAIL: " The host must be a name or an address of this machine.",
    errno.EACCES: " Ports below 1024 are the system's: name another.",
}


class CannotListen(Exception):
    """The address cannot be listened on; the message says why."""


class Listeners(Struct, frozen=True):
    """Bound sockets. `admin` None: the data plane's serves admins too."""

    data: socket.socket
    admin: socket.socket | None = None

    @property
    def all(self) -> list[socket.socket]:
        """Both, or the one."""
        return [self.data] if self.admin is None else [self.data, self.admin]

    @property
    def numbers(self) -> list[int]:
        """Their file descriptors, for a child."""
        return [listener.fileno() for listener in self.all]

    def listen(self, backlog: int) -> None:
        """Has the kernel queue who comes, before anybody accepts."""
        for listener in self.all:
            listener.listen(backlog)

    def close(self) -> None:
        """Closes them in this process."""
        for listener in self.all:
            listener.close()

    def announcement(self, program: str = "gateway") -> str:
        """Where they are, in the line that a program prints when it serves."""
        words = f"housestyle {program} listening on {_url(self.data)}"
        return words if self.admin is None else f"{words} and for admins on {_url(self.admin)}"


@contextlib.contextmanager
def bound(host: str, port: int, admin_port: int | None) -> Iterator[Listeners]:
    """Bound sockets, closed with the block; of port 0 a free one. Raises CannotListen."""
    if admin_port and admin_port == port:
        words = f"HOUSESTYLE_ADMIN_PORT is {port}, the data plane's own port"
        raise CannotListen(f"{words}. Name another, or leave it unset to serve both on one.")
    with _bound(host, port, "") as data:
        if admin_port is None:
            yield Listeners(data)
            return
        with _bound(host, admin_port, " (HOUSESTYLE_ADMIN_PORT)") as admin:
            yield Listeners(data, admin)


def bound_alone(host: str, port: int) -> socket.socket:
    """One bound socket, nobody's yet; of port 0 a free one. Raises CannotListen."""
    return _bound(host, port, "")


@contextlib.contextmanager
def inherited(numbers: list[int]) -> Iterator[Listeners]:
    """The sockets that this process was started with, by `Listeners.numbers`."""
    with contextlib.ExitStack() as stack:
        yield Listeners(*(stack.enter_context(socket.socket(fileno=number)) for number in numbers))


def _bound(host: str, port: int, named: str) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        words = f"Cannot listen on {host}:{port}{named}: {error.strerror}."
        raise CannotListen(f"{words} The host must be a name or an address of this machine.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_RECEIVED)  # inherited by what is accepted
        if sys.platform == "linux":
            listener.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _KERNEL_UNSENT)
        listener.bind(address)
    except OSError as error:
        listener.close()
        hint = _HINTS.get(error.errno or 0, "")
        raise CannotListen(f"Cannot listen on {host}:{port}{named}: {error.strerror}.{hint}") from None
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
