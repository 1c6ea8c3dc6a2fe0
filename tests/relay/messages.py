"""HTTP/1.1 messages as bytes on a blocking socket, read without any code of ours, so that it can judge that code.

Names of headers are lower-cased (RFC 9110 section 5.1: they are case-insensitive); nothing else is changed but the
framing, which is undone. Raises EOFError where a message is cut, ValueError where it cannot be read.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]

_RECEIVED = 256 * 1024
_MAX_HEAD = 1 << 20
CHUNKED = (b"transfer-encoding", b"chunked")


class Message(NamedTuple):
    """A request or an answer. `line`: its first line's parts that mean something; `body`: its framing undone."""

    line: tuple[bytes, ...]
    headers: Headers
    body: bytes = b""

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Wire:
    """A connection that is read message by message. A context manager: it closes the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.rest = bytearray()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes, packet: int = 0) -> None:
        """Sends it all; `packet`: in writes of so many bytes, each a packet of its own."""
        for start in range(0, len(data), packet or len(data) or 1):
            self.socket.sendall(data[start : start + packet] if packet else data)

    def more(self) -> bool:
        """Receives something; False at the end of the connection."""
        received = self.socket.recv(_RECEIVED)
        self.rest += received
        return bool(received)

    def until(self, mark: bytes, limit: int = _MAX_HEAD) -> bytes:
        """What comes before `mark`, which is passed over."""
        while (end := self.rest.find(mark)) < 0:
            if len(self.rest) > limit:
                raise ValueError(f"no {mark!r} in {limit} bytes")
            if not self.more():
                raise EOFError(bytes(self.rest))
        found = bytes(self.rest[:end])
        del self.rest[: end + len(mark)]
        return found

    def some(self, at_most: int) -> bytes:
        """What is there, or comes next; never b""."""
        if not self.rest and not self.more():
            raise EOFError
        found = bytes(self.rest[:at_most])
        del self.rest[:at_most]
        return found

    def exactly(self, size: int) -> Iterator[bytes]:
        """So many bytes, in the parts that they come in."""
        while size:
            part = self.some(size)
            size -= len(part)
            yield part

    def chunks(self) -> Iterator[bytes]:
        """The parts of a chunked body, to its end and past its trailers."""
        while size := int(self.until(b"\r\n").partition(b";")[0], 16):
            yield from self.exactly(size)
            if b"".join(self.exactly(2)) != b"\r\n":
                raise ValueError("a chunk does not end where it says")
        while self.until(b"\r\n"):
            pass

    def to_end(self) -> Iterator[bytes]:
        """Whatever comes until the connection ends."""
        while self.rest or self.more():
            yield bytes(self.rest)
            self.rest.clear()

    def head(self) -> tuple[bytes, Headers]:
        """A first line and the headers."""
        line, *fields = self.until(b"\r\n\r\n").split(b"\r\n")
        split = (field.partition(b":") for field in fields)
        return line, tuple((name.lower(), value.strip(b" \t")) for name, _, value in split)


def read_request(wire: Wire, begun: Callable[[], object] = lambda: None) -> Message:
    """The next request: method, target and version are its line. `begun` is called when its head is there."""
    line, headers = wire.head()
    begun()
    return Message(tuple(line.split(b" ")), headers, b"".join(request_body(wire, headers)))


def request_body(wire: Wire, headers: Headers) -> Iterable[bytes]:
    """A request's body, part by part (RFC 9112 section 6.3)."""
    if CHUNKED in headers:
        return wire.chunks()
    return wire.exactly(int(dict(headers).get(b"content-length", b"0")))


def read_answer(wire: Wire, method: str) -> Message:
    """The answer to a request; interim ones are passed over. Its line: the status alone (RFC 9112 section 4: a client
    ignores the reason phrase; the version is the hop's)."""
    status, headers = answer_head(wire)
    return Message((status,), headers, b"".join(answer_body(wire, method, status, headers)))


def answer_head(wire: Wire) -> tuple[bytes, Headers]:
    """Status and headers of the final answer."""
    while True:
        line, headers = wire.head()
        status = line.split(b" ")[1]
        if not status.startswith(b"1"):
            return status, headers


def answer_body(wire: Wire, method: str, status: bytes, headers: Headers) -> Iterable[bytes]:
    """An answer's body, part by part (RFC 9112 section 6.3)."""
    if method == "HEAD" or status in (b"204", b"304"):
        return ()
    if CHUNKED in headers:
        return wire.chunks()
    lengths = [value for name, value in headers if name == b"content-length"]
    return wire.exactly(int(lengths[0])) if lengths else wire.to_end()


def connect(address: tuple[str, int], seconds: float = 20.0) -> Wire:
    """A connection; whatever takes longer than `seconds` raises TimeoutError."""
    sock = socket.create_connection(address, seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(sock)
