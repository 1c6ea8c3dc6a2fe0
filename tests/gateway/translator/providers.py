"""The providers' own APIs, as far as tests need them, as raw bytes: Bedrock's event-stream frames, Google's tokens.

Sources: "Amazon event stream encoding" in the AWS SDK documentation; RFC 7523 for Google's service accounts.
"""

import binascii
import functools
import json
import struct
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.gateway.upstream.server import Peer

JSON = b"application/json"


def whole(status: int, body: Any, *headers: bytes) -> bytes:
    """A whole answer in JSON."""
    raw = json.dumps(body).encode()
    lines = [b"HTTP/1.1 %d X" % status, b"content-type: " + JSON, b"content-length: %d" % len(raw), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + raw


def begin(content_type: bytes) -> bytes:
    """The head of a stream."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: " + content_type + b"\r\ntransfer-encoding: chunked\r\n\r\n"


def part(data: bytes) -> bytes:
    """A chunk of a stream."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"
EVENT_STREAM = b"application/vnd.amazon.eventstream"


def frame(kind: str, payload: Any, message_type: str = "event") -> bytes:
    """A message of a Bedrock stream, in a chunk."""
    names = {":message-type": message_type, f":{message_type}-type": kind, ":content-type": "application/json"}
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in names.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 12 + len(headers) + len(body) + 4, len(headers))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return part(message + struct.pack("!I", binascii.crc32(message)))


# Bedrock's words

BEDROCK_USAGE = {"inputTokens": 11, "outputTokens": 3, "totalTokens": 14}


def converse(*content: object, stop: str = "end_turn") -> dict[str, object]:
    """An answer of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": BEDROCK_USAGE,
        "metrics": {"latencyMs": 5},
    }


def said(text: str) -> bytes:
    """A part of a streamed text."""
    return frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


ENDED = (
    frame("contentBlockStop", {"contentBlockIndex": 0})
    + frame("messageStop", {"stopReason": "end_turn"})
    + frame("metadata", {"usage": BEDROCK_USAGE, "metrics": {"latencyMs": 5}})
    + END
)


# Vertex's words

VERTEX_USAGE = {"promptTokenCount": 11, "candidatesTokenCount": 3, "totalTokenCount": 14}
GEMINI = "gemini-2.5-flash"


def candidate(*parts: object, finish: str | None = "STOP") -> dict[str, Any]:
    """An answer, or a part of a stream."""
    content: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        content["finishReason"] = finish
    return {"candidates": [content], "usageMetadata": VERTEX_USAGE, "modelVersion": GEMINI, "responseId": "r1"}


def event(data: object) -> bytes:
    """A part of a stream, in a chunk."""
    return part(b"data: " + json.dumps(data).encode() + b"\r\n\r\n")


# what was sent to them


def path_of(request: bytes) -> str:
    """The request line's path."""
    return request.split(b" ", 2)[1].decode()


def header_of(request: bytes, name: str) -> str | None:
    """A header's value."""
    for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        key, _, value = line.decode().partition(":")
        if key.lower() == name:
            return value.strip()
    return None


def body_of(request: bytes) -> Any:
    """The JSON that was sent."""
    return json.loads(request.partition(b"\r\n\r\n")[2])


@functools.cache
def private_key() -> str:
    """A key for a service account; making one takes a moment."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def service_account(token_uri: str) -> str:
    """The text of a service account's key."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "firm",
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": "calls@firm.iam.gserviceaccount.com",
            "token_uri": token_uri,
        },
    )


async def give_token(peer: Peer) -> None:
    """Answers a token request."""
    await peer.request()
    await peer.say(whole(200, {"access_token": "token-of-the-firm", "expires_in": 3600, "token_type": "Bearer"}))
