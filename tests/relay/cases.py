"""A relay case as a value: what a caller sends, what the provider answers, and what the contract lets differ of the
bodies. What may differ of the headers is the same for all, and stands in `rules.py`.
"""

from typing import Literal, NamedTuple

STOCK = "gpt-4o-mini"
TUNED = b"{TUNED}"  # stands for the name of the tenant's fine-tuned model
CHAT_BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'
CHAT_ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Whereas."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}'
)
JSON = b"content-type: application/json"
EVENTS = b"content-type: text/event-stream; charset=utf-8"
Sizes = tuple[int, ...]


class Answer(NamedTuple):
    """A scripted answer. `headers`: lines; `sizes`: of its chunks, taken in turn; `packet`: of how many bytes each
    write is (0: one write)."""

    body: bytes = CHAT_ANSWER
    headers: tuple[bytes, ...] = (JSON,)
    line: bytes = b"HTTP/1.1 200 OK"
    framing: Literal["length", "chunked", "close", "none"] = "length"
    sizes: Sizes = (1 << 16,)
    packet: int = 0
    before: bytes = b""  # interim answers
    trailers: bytes = b""

    @property
    def closes(self) -> bool:
        """Whether the connection ends with it."""
        return self.framing == "close" or self.line.startswith(b"HTTP/1.0")

    def raw(self, method: str) -> bytes:
        """Its bytes, as they are sent."""
        lines = [self.line, *self.headers]
        body = self.body
        if self.framing == "length":
            lines.append(b"content-length: %d" % len(body))
        elif self.framing == "chunked":
            lines.append(b"transfer-encoding: chunked")
            body = chunked(body, self.sizes, self.trailers)
        return self.before + b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if method == "HEAD" else body)


class Case(NamedTuple):
    """See above. `sent_up` and `comes_down`: the bodies as the contract's exceptions make them, None where they stay as
    they are; `rule` names the exception. `reason` is the answer's `x-model-reason`."""

    id: str
    target: str = "/v1/chat/completions"
    method: str = "POST"
    headers: tuple[bytes, ...] = (JSON,)
    body: bytes = CHAT_BODY
    answer: Answer = Answer()
    sizes: Sizes = ()  # of the chunks that the body is sent in; none: with its length
    packet: int = 0
    version: str = "HTTP/1.1"
    key: bytes = b"authorization: Bearer {KEY}"
    firm: Literal["plain", "tuned", "claude"] = "plain"
    reason: str = ""
    sent_up: bytes | None = None
    comes_down: bytes | None = None
    rule: str = ""

    @property
    def rewritten(self) -> bool:
        """Whether the route is one whose model may be replaced."""
        route = self.target.partition("?")[0].removeprefix("/v1").removeprefix("/")
        return route in ("chat/completions", "completions", "responses", "messages")

    def raw(self, host: bytes, key: bytes) -> bytes:
        """The request's bytes."""
        lines = [f"{self.method} {self.target} {self.version}".encode("latin-1"), b"Host: " + host]
        lines += [self.key.replace(b"{KEY}", key), *self.headers]
        body = self.body
        if self.sizes:
            lines.append(b"Transfer-Encoding: chunked")
            body = chunked(body, self.sizes)
        elif body or self.method == "POST":
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body: bytes, sizes: Sizes, trailers: bytes = b"") -> bytes:
    """A body in chunks of these sizes, taken in turn."""
    parts: list[bytes] = []
    at = turn = 0
    while at < len(body):
        part = body[at : at + sizes[turn % len(sizes)]]
        parts += (b"%x\r\n" % len(part), part, b"\r\n")
        at += len(part)
        turn += 1
    return b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


def events(*payloads: bytes, end: bytes = b"\n\n") -> bytes:
    """A stream of events, one for each payload."""
    return b"".join(b"data: " + payload + end for payload in payloads)


def stream(body: bytes, *sizes: int, packet: int = 0, headers: tuple[bytes, ...] = (EVENTS,)) -> Answer:
    """An event stream in chunks of these sizes."""
    return Answer(body, headers, framing="chunked", sizes=sizes or (1 << 16,), packet=packet)
