"""A Service as Kubernetes has it, and callers behind it: a new connection goes to the next endpoint, one that is open
stays where it is until a gateway ends it. Every failure counts; nothing is tried again.
"""

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from tests.propagation.load import Made
from tests.propagation.stage import new_call
from tests.support.admin import STOCK
from tests.support.processes import wait_until
from tests.support.raw import Answer, Cut, Raw

_END = b"data: [DONE]\n\n"
_PAUSE_SECONDS = 0.01  # between two calls of one caller: the processes beside it need the cores too


class Service:
    """The endpoints that are ready. Any thread may ask."""

    def __init__(self) -> None:
        self._endpoints: tuple[str, ...] = ()
        self._turns = itertools.count()

    def add(self, url: str) -> None:
        """One that has become ready."""
        self._endpoints += (url,)

    def remove(self, url: str) -> None:
        """One that is to end."""
        self._endpoints = tuple(one for one in self._endpoints if one != url)

    def next(self) -> str:
        """Where a new connection goes."""
        endpoints = self._endpoints
        return endpoints[next(self._turns) % len(endpoints)]


class Done(Struct, frozen=True):
    """A call that is over. `failure` is why it failed, "" where it did not; `ended` by the clock of `made.began`."""

    made: Made
    url: str
    stream: bool
    ended: int
    call_id: str
    failure: str


class Load:
    """Callers under way. `done` grows as calls end."""

    def __init__(self, service: Service, key: str) -> None:
        self._service = service
        self._key = key
        self._over = threading.Event()
        self.done: list[Done] = []
        self.streaming: Counter[str] = Counter()  # by endpoint: streams whose head has come and whose end has not

    @property
    def failures(self) -> list[str]:
        """Why calls failed, each with its endpoint."""
        return [f"{one.url}: {one.failure}" for one in self.done if one.failure]

    def call_on(self, *, stream: bool) -> None:
        """One caller, until the end."""
        connection: Raw | None = None
        url = ""
        while not self._over.is_set():
            name, began, call_id = new_call(), time.monotonic_ns(), ""
            status, failure, closes = 0, "", True
            try:
                if connection is None:
                    url = self._service.next()
                    connection = Raw(url)
                answer = self._ask(connection, url, name, stream=stream)
                status, closes = answer.status, answer.closes
                call_id = "".join(answer.header("x-call-id"))
                failure = _trouble(answer, stream=stream)
            except (OSError, Cut, ValueError) as error:
                failure = repr(error)
            if connection is not None and (closes or failure):
                connection.leave()
                connection = None
            self.done.append(Done(Made(name, began, status), url, stream, time.monotonic_ns(), call_id, failure))
            self._over.wait(_PAUSE_SECONDS)
        if connection is not None:
            connection.leave()

    def _ask(self, connection: Raw, url: str, name: str, *, stream: bool) -> Answer:
        messages = [{"role": "user", "content": "Draft a clause on notices."}]
        body = msgspec.json.encode(
            {"model": STOCK, "messages": messages, "stream": stream, "metadata": {"call": name}},
        )
        headers = (f"authorization: Bearer {self._key}", "content-type: application/json")
        if not stream:
            return connection.ask("POST", "/v1/chat/completions", *headers, body=body)
        lines = ["POST /v1/chat/completions HTTP/1.1", "host: gateway", *headers, f"content-length: {len(body)}"]
        connection.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = connection.head()
        if not head.header("transfer-encoding"):
            length = int(head.header("content-length")[0])
            return msgspec.structs.replace(head, body=connection.exactly(length))
        parts: list[bytes] = []
        self.streaming[url] += 1
        try:
            while part := connection.chunk():
                parts.append(part)
        finally:
            self.streaming[url] -= 1
        return msgspec.structs.replace(head, body=b"".join(parts), chunked=True)

    def end(self) -> None:
        """The callers end, each after its call."""
        self._over.set()

    def await_more(self, calls: int, where: Callable[[Done], bool] = lambda _: True) -> None:
        """Waits for so many calls more that began from now on and are of this sort."""
        now, seen = time.monotonic_ns(), len(self.done)
        wait_until(
            lambda: sum(one.made.began > now and where(one) for one in self.done[seen:]) >= calls, 60, f"{calls} calls"
        )


@contextlib.contextmanager
def calling(service: Service, key: str, plain: int, streaming: int) -> Iterator[Load]:
    """So many callers of each sort, until the block ends; every call ends before it does."""
    load = Load(service, key)
    threads = [
        threading.Thread(target=load.call_on, kwargs={"stream": number < streaming}, name=f"caller-{number}")
        for number in range(plain + streaming)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join()


def _trouble(answer: Answer, *, stream: bool) -> str:
    """What is wrong with an answer; "" where nothing is."""
    if answer.status != 200:
        return f"{answer.status} {answer.body.decode(errors='replace')}"
    whole = answer.body.endswith(_END) if stream else answer.body.endswith(b"}")
    return "" if whole else f"the answer is not whole: {answer.body[-80:]!r}"
