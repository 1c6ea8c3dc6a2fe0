"""A provider on a socket that answers by script, a thread for each connection: it outlives any event loop."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from tests.relay.messages import Wire

# Takes a connection at the beginning of a request; whether the connection stays open after its answer.
Script = Callable[[Wire], bool]


class Provider:
    """A running one. What a script raises but an end of the connection is kept in `failures`."""

    def __init__(self) -> None:
        self.script: Script = _refuse
        self.failures: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: tuple[str, int] = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        self._open: dict[Wire, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Ends every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for wire, thread in list(self._open.items()):
            with contextlib.suppress(OSError):
                wire.socket.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                wire = Wire(sock)
                thread = threading.Thread(target=self._serve, args=(wire,), daemon=True)
                self._open[wire] = thread
                thread.start()

    def _serve(self, wire: Wire) -> None:
        try:
            while wire.more() and self.script(wire):
                pass
        except (EOFError, ConnectionError):
            pass
        except Exception as error:  # noqa: BLE001 - the test is told
            self.failures.append(error)
        finally:
            self._open.pop(wire, None)
            wire.socket.close()


@contextlib.contextmanager
def providing() -> Iterator[Provider]:
    """A provider on a free port."""
    made = Provider()
    try:
        yield made
    finally:
        made.close()
    assert made.failures == []


def _refuse(_: Wire) -> bool:
    raise AssertionError("nothing should have come")
