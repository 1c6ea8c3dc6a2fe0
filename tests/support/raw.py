"""A caller on a bare socket: it sends what it is told, byte for byte, and reads answers strictly. Nothing of ours."""

import contextlib
import select
import socket
import struct
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

_BODILESS = (204, 304)


class Cut(Exception):
    """The connection ended inside an answer; the message is what of its body came."""


class Answer(Struct, frozen=True):
    """An answer as it came. Header names are lower-case; `chunked`: so it was framed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunked: bool = False

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def closes(self) -> bool:
        """Whether it says that the connection ends with it."""
        return "close" in self.header("connection")

    @property
    def code(self) -> str:
        """The code of an error, which must have the OpenAI API's shape and say something."""
        decoded: Any = msgspec.json.decode(self.body)
        assert set(decoded) == {"error"}, self.body
        assert set(decoded["error"]) == {"message", "type", "param", "code"}
        assert decoded["error"]["message"]
        assert self.header("content-type") == ["application/json"]
        return str(decoded["error"]["code"])


class Raw:
    """A connection. A context manager; every wait ends after `seconds`."""

    def __init__(self, url: str, seconds: float = 20.0, receive_buffer: int | None = None) -> None:
        at = urlsplit(url)
        assert at.hostname is not None
        self._socket = socket.socket()
        if receive_buffer is not None:  # before it connects: the window is agreed on then
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(seconds)
        try:
            self._socket.connect((at.hostname, at.port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrived = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.leave()

    def send(self, *parts: bytes) -> None:
        """Sends, each part in a packet of its own. Raises OSError where the other side has closed."""
        for part in parts:
            self._socket.sendall(part)

    def send_what_goes(self, data: bytes) -> None:
        """Sends until the other side will not have more."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def send_until_full(self, data: bytes) -> int:
        """Sends until the other side has no room; how much that was."""
        seconds, sent = self._socket.gettimeout(), 0
        self._socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while sent < len(data):
                sent += self._socket.send(data[sent : sent + 65536])
        self._socket.settimeout(seconds)
        return sent

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> Answer:
        """A request, whole and proper, and its answer."""
        self.send(request(method, path, *headers, body=body))
        return self.answer(method)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, whole, which is no 1xx. `method` is the one that it answers. Raises Cut."""
        head = self.head()
        assert head.status >= 200, head
        if method == "HEAD" or head.status in _BODILESS:
            return head
        if head.header("transfer-encoding"):
            assert head.header("transfer-encoding") == ["chunked"]
            assert not head.header("content-length")
            return msgspec.structs.replace(head, body=self._chunks(), chunked=True)
        length = head.header("content-length")
        body = self.exactly(int(length[0])) if length else self.rest()
        return msgspec.structs.replace(head, body=body)

    def head(self) -> Answer:
        """The head of an answer or of a 1xx."""
        line, *fields = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1"
        pairs = (field.partition(": ") for field in fields)
        return Answer(int(status), [(name.lower(), value) for name, _, value in pairs])

    def exactly(self, size: int) -> bytes:
        """So many bytes. Raises Cut."""
        while len(self._arrived) < size:
            self._more()
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    def rest(self) -> bytes:
        """All that comes until the other side closes or breaks the connection."""
        with contextlib.suppress(Cut):
            while True:
                self._more()
        taken = bytes(self._arrived)
        self._arrived.clear()
        return taken

    def chunk(self) -> bytes:
        """The next chunk; b"" for the last. Raises Cut."""
        size = int(self._until(b"\r\n"), 16)
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes in that time, neither a byte nor the end."""
        readable, _, _ = select.select([self._socket], [], [], seconds)
        return not readable and not self._arrived

    def leave(self) -> None:
        """Closes."""
        self._socket.close()

    def say_no_more(self) -> None:
        """Closes the sending half."""
        self._socket.shutdown(socket.SHUT_WR)

    def break_off(self) -> None:
        """Closes as a process that is killed may: with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _chunks(self) -> bytes:
        parts = []
        try:
            while part := self.chunk():
                parts.append(part)
        except Cut as cut:
            raise Cut(b"".join(parts) + cut.args[0]) from None
        return b"".join(parts)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._arrived:
            self._more()
        taken, _, rest = bytes(self._arrived).partition(mark)
        self._arrived = bytearray(rest)
        return taken

    def _more(self) -> None:
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Cut(bytes(self._arrived))
        self._arrived += data


def request(method: str, path: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """A request, proper unless its parts are not. A body has its length said."""
    lines = [f"{method} {path} HTTP/{version}", "host: gateway", *headers]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(method: str, path: str, *headers: str, parts: tuple[bytes, ...] = (), trailer: str = "") -> bytes:
    """A request whose body comes in these chunks."""
    head = request(method, path, *headers, "transfer-encoding: chunked")
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head + body + b"0\r\n" + trailer.encode() + b"\r\n"
