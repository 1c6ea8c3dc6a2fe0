"""Every parser that takes bytes from outside, by name: what `test_fuzz.py` and `scripts/fuzz` feed.

A target takes one input. It raises AssertionError where what was read is wrong; any other exception that a parser does
not document is a crash too. Its seeds are the files of `corpus/<name>/`; its tokens are what a mutation puts in.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from tests.fuzz import answering, asking, connection, places

CORPUS = Path(__file__).parent / "corpus"

_JSON = (
    b'{"',
    b'":',
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"1e9",
    b'\\"',
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
)
_MODEL = (
    b'"model":',
    b'"m\\u006fdel":',
    b'"Model":',
    b'"stream":true',
    b'"stream_options":',
    b'"include_usage":',
    b'"purpose":',
)
_SSE = (
    b"\n\n",
    b"\r\n\r\n",
    b"\r\r",
    b"\n\r",
    b"data: ",
    b"data:",
    b"event: ",
    b": ",
    b"id: 1",
    b"[DONE]",
    b"\xef\xbb\xbf",
)
_ANSWER = (
    b'"usage":{',
    b'"usage":null',
    b'"choices":[]',
    b'"choices":[{"finish_reason":"stop"}]',
    b'"id":"',
    b'"model":"',
)
_EVENTS = (
    b'"response":{',
    b'"type":"response.completed"',
    b'"type":"message_stop"',
    b'"message_delta"',
    b'"message":{',
)
_HEAD = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b": ",
    b" ",
    b"\t",
    b"\0",
    b"\x0b",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"close",
    b"keep-alive",
)
_FRAMING = (
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b";a=b",
    b"identity",
    b"gzip",
)
_REQUEST = (
    b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"POST ",
    b"expect: 100-continue\r\n",
    b"upgrade: h2c\r\nconnection: upgrade\r\n",
)
_FORM = (
    b"--x",
    b"--x--",
    b"\r\n",
    b"\n",
    b'content-disposition: form-data; name="model"',
    b"filename=",
    b"boundary=x",
    b"; ",
    b'"',
)
_PATH = (
    b"/",
    b"..",
    b".",
    b"%2e",
    b"%2f",
    b"%25",
    b"%5c",
    b"\\",
    b"//",
    b"v1/",
    b"files",
    b"fine_tuning",
    b"?",
    b"#",
    b";",
    b"\n",
    b"/*",
)
_ROUTE = (
    b"chat/completions\n",
    b"embeddings\n",
    b"audio/speech\n",
    b"images/",
    b"models/",
    b"api-version=1",
    b"&",
    b"\xe9",
)
_URL = (
    b"http://",
    b"https://",
    b"@",
    b":",
    b"/",
    b"[::1]",
    b"%",
    b"\\",
    b"\t",
    b"#",
    b"?",
    b"\xc3\xa9",
    b":0",
    b":65536",
    b"user:pw@",
)
_ASKED = (
    b'"kind":"bedrock"',
    b'"kind":"vertex"',
    b'"options":{',
    b'"region":"',
    b'"messages":[]',
    b'"api_base":"',
    b'"model":"',
)
_FIELDS = (
    b"connection: ",
    b"te",
    b"upgrade",
    b"h2c",
    b"authorization: ",
    b"Bearer ",
    b"x-api-key: ",
    b"content-length: ",
    b"9" * 20,
    b",",
)


class Target(Struct, frozen=True):
    """One parser. `run` takes an input; `tokens` are words of its language."""

    run: Callable[[bytes], None]
    tokens: tuple[bytes, ...]


TARGETS: dict[str, Target] = {
    "answer": Target(answering.answer, _HEAD + _FRAMING),
    "answers": Target(answering.answers, _JSON + _SSE + _ANSWER + _EVENTS),
    "asked": Target(places.asked, _JSON + _ASKED),
    "base_url": Target(places.base_url, _URL),
    "body": Target(asking.body, _JSON + _MODEL),
    "caller": Target(connection.caller, _HEAD + _FRAMING + _REQUEST),
    "encoding": Target(
        asking.encoding, (b"gzip\n", b"deflate\n", b"identity\n", b"\x1f\x8b\x08", b"x\x9c", b"\0\0\xff\xff")
    ),
    "endpoint": Target(places.endpoint, _PATH),
    "error_code": Target(answering.error_code, (*_JSON, b'"error":{', b'"code":"', b'"type":"error"')),
    "headers": Target(asking.headers, _FIELDS),
    "kind": Target(places.kind, _PATH + _ROUTE),
    "listing": Target(answering.listing, (*_JSON, b'"data":[', b'"id":"ft:', b'"first_id":', b'{"id":"gpt"}', b",")),
    "proxy": Target(places.proxy, (*_URL, b"\n", b"*", b".", b",", b"10.0.0.0/8", b"::1/128")),
    "scan_form": Target(asking.scan_form, _FORM),
    "scan_json": Target(asking.scan_json, _JSON + _MODEL),
    "traceparent": Target(places.traceparent, (b"-", b"00", b"ff", b"0" * 16, b"a" * 32, b" ")),
    "usage": Target(answering.usage, _JSON + _SSE + _ANSWER),
}


def seeds(name: str) -> list[bytes]:
    """The kept inputs of a target, in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
