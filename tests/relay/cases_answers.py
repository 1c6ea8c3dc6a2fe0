"""Relay cases about what is answered: statuses, headers, framing, event streams, bytes of all kinds."""

import gzip

from tests.relay.cases import CHAT_ANSWER, CHAT_BODY, EVENTS, JSON, TUNED, Answer, Case, events, stream

_HTML = b"<html><body>502 Bad Gateway \xe9</body></html>\n"
_ERROR = b'{"error":{"message":"Because.","type":"t","param":null,"code":"theirs"},"more":1e2}\n'
_CLAUDE = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
_BODIES = (
    (JSON, _ERROR),
    (b"content-type: text/html; charset=latin-1", _HTML),
    (JSON, b""),
    (b"content-type: application/json; charset=utf-8", _CLAUDE),
)


def _status(
    number: int, body: bytes = _ERROR, *headers: bytes, route: str = "chat/completions", name: str = ""
) -> Case:
    framing = "none" if number in (204, 304) else "length"
    answer = Answer(body, headers or (JSON,), b"HTTP/1.1 %d Theirs" % number, framing)  # type: ignore[arg-type]
    return Case(f"status-{number}{name}", f"/v1/{route}", answer=answer)


STATUSES = [
    *(
        _status(number, _BODIES[turn % 4][1], _BODIES[turn % 4][0], b"retry-after: 7")
        for turn, number in enumerate(
            (
                *(
                    400,
                    401,
                    402,
                    403,
                    404,
                    405,
                    406,
                    408,
                    409,
                    410,
                    411,
                    412,
                    413,
                    415,
                    416,
                    418,
                    421,
                    422,
                    423,
                    424,
                    425,
                ),
                *(426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507, 520, 529),
            )
        )
    ),
    *(_status(number, b"moved", b"location: http://127.0.0.1:1/else?x") for number in (301, 302, 303, 307, 308)),
    *(_status(number, b'{"x":1}', route="embeddings", name="-relayed") for number in (200, 201, 202, 203, 404, 500)),
    _status(204, b"", b"x-kept: 1"),
    _status(304, b"", b'etag: "x"', route="embeddings"),
    _status(205, b"", b"x-kept: 1"),
    _status(206, b"part", b"content-range: bytes 0-3/9", b"accept-ranges: bytes", route="audio/speech"),
]


def _answer(name: str, answer: Answer, **more: object) -> Case:
    return Case(f"answer-{name}", answer=answer, **more)  # type: ignore[arg-type]


def _headers(name: str, *lines: bytes) -> Case:
    return _answer(f"header-{name}", Answer(headers=(*lines, JSON)))


HEADERS = [
    _headers("unknown", b"X-Request-Id: req_1", b"OpenAI-Processing-Ms: 12", b"X-RateLimit-Remaining: 9"),
    _headers(
        "cookies", b"Set-Cookie: a=1; Path=/; HttpOnly", b"X-Between: 0", b"set-cookie: b=2, c", b"Set-Cookie: a=1"
    ),
    _headers("empty", b"X-Empty:", b"X-Padded: \t a  b \t"),
    _headers("latin-1", b"X-Firm: S\xf6hne", "X-Utf: ⚖".encode()),
    _headers("long", b"X-Long: " + b"v" * 30_000),
    _headers("many", *(b"X-Many-%d: %d" % (n, n) for n in range(200))),
    _headers("hop-by-hop", b"Keep-Alive: timeout=5", b"Connection: keep-alive, X-Mine", b"X-Mine: 1", b"Trailer: x"),
    _headers("proxy", b"Proxy-Authenticate: Basic", b"Upgrade: h2c", b"Proxy-Connection: close", b"X-Kept: 1"),
    _headers("close", b"Connection: close", b"X-Kept: 1"),
    _headers("ours", b"X-Call-Id: theirs", b"x-fine-tuned: maybe", b"X-Model-Reason: theirs", b"X-Kept: 1"),
    _headers("date-and-server", b"Date: Sun, 22 Nov 2026 12:00:00 GMT", b"Server: theirs", b"Via: 1.1 theirs"),
    _headers("caching", b"Cache-Control: no-store", b"Vary: *", b'ETag: W/"1"', b"Age: 3", b"Alt-Svc: h3"),
    _headers("browser", b"Access-Control-Allow-Origin: *", b"Strict-Transport-Security: max-age=1", b"Link: <x>"),
    _headers("trace", b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"Server-Timing: x"),
]

FRAMING = [
    _answer("chunked", Answer(framing="chunked", sizes=(1, 2, 3, 50))),
    _answer(
        "chunked-extensions-and-trailers", Answer(framing="chunked", sizes=(40,), trailers=b"X-Sum: 1\r\nX-T: 2\r\n")
    ),
    _answer("until-close", Answer(framing="close")),
    _answer("until-close-empty", Answer(b"", framing="close")),
    _answer("http-1.0", Answer(line=b"HTTP/1.0 200 OK")),
    _answer("http-1.0-until-close", Answer(line=b"HTTP/1.0 200 OK", framing="close")),
    _answer("no-reason", Answer(line=b"HTTP/1.1 200 ")),
    _answer("single-bytes", Answer(packet=1)),
    _answer("chunked-in-packets-of-3", Answer(framing="chunked", sizes=(5,), packet=3)),
    _answer("after-100-continue", Answer(before=b"HTTP/1.1 100 Continue\r\n\r\n")),
    _answer("after-103-hints", Answer(before=b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" * 2)),
    _answer("empty", Answer(b"")),
    _answer("empty-chunked", Answer(b"", framing="chunked")),
    _answer("no-type", Answer(headers=())),
    _answer("to-http-1.0", Answer(framing="chunked", sizes=(9,)), version="HTTP/1.0"),
    _answer("head", Answer(), target="/v1/batches", method="HEAD", headers=(), body=b""),
    _answer("head-chunked", Answer(framing="chunked"), target="/v1/batches", method="HEAD", headers=(), body=b""),
    _answer("head-unknown-length", Answer(framing="none"), target="/v1/batches", method="HEAD", headers=(), body=b""),
    _answer(
        "delete-204",
        Answer(b"", (), b"HTTP/1.1 204 No Content", "none"),
        target="/v1/responses/r",
        method="DELETE",
        headers=(),
        body=b"",
    ),
]

_SOUND = bytes(range(256)) * 4000
_MP3 = (b"content-type: audio/mpeg",)
BYTES = [
    _answer("audio", Answer(_SOUND, _MP3), target="/v1/audio/speech"),
    _answer(
        "audio-chunked", Answer(_SOUND, _MP3, framing="chunked", sizes=(1, 4096, 70_000)), target="/v1/audio/speech"
    ),
    _answer("audio-until-close", Answer(_SOUND, _MP3, framing="close"), target="/v1/audio/speech"),
    _answer(
        "image", Answer(b"\x89PNG\r\n\x1a\n" + _SOUND, (b"content-type: image/png",)), target="/v1/images/generations"
    ),
    _answer("5-MB", Answer(b'{"x":"%b"}' % (b"y" * 5_000_000))),
    _answer("5-MB-chunked", Answer(_SOUND * 5, framing="chunked", sizes=(100_000, 1))),
    _answer("gzip-all-the-same", Answer(gzip.compress(CHAT_ANSWER), (JSON, b"content-encoding: gzip"))),
    _answer("gzip-relayed", Answer(gzip.compress(b"{}"), (b"Content-Encoding: gzip", JSON)), target="/v1/embeddings"),
    _answer("not-json-though-it-says-so", Answer(b"\xff{not json")),
    _answer(
        "odd-json", Answer(b' {"model" : "x" ,\r\n"model":1e400, "usage":{"prompt_tokens":"many"}, "\\u0061":[]}\n\n')
    ),
    _answer("no-object", Answer(b'[[[["deep"]]]]')),
    _answer("byte-order-mark", Answer(b"\xef\xbb\xbf{}")),
    _answer(
        "ndjson", Answer(b'{"a":1}\n{"a":2}\n', (b"content-type: application/x-ndjson",), framing="chunked", sizes=(3,))
    ),
    _answer(
        "early-error-to-a-large-body",
        Answer(_ERROR, line=b"HTTP/1.1 400 Bad"),
        target="/v1/audio/translations",
        headers=(b"content-type: audio/wav",),
        body=_SOUND,
    ),
]

_WORD = b'{"id":"c1","model":"m","choices":[{"delta":{"content":"Hi"}}],"usage":null}'
_CHAT = events(_WORD, _WORD, b'{"choices":[],"usage":{"prompt_tokens":1}}', b"[DONE]")
_ASKED = b'{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true}}'
_RESPONSES = b"".join(
    b"event: response.%b\ndata: %b\n\n" % (name, data)
    for name, data in (
        (b"created", b'{"type":"response.created","response":{"id":"r","model":"m"}}'),
        (b"output_text.delta", b'{"type":"response.output_text.delta","delta":"Hi"}'),
        (b"completed", b'{"type":"response.completed","response":{"id":"r","usage":{"input_tokens":1}}}'),
    )
)
_MESSAGES = b"".join(
    b"event: %b\ndata: %b\n\n" % (name, data)
    for name, data in (
        (b"message_start", b'{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":3}}}'),
        (b"ping", b'{"type": "ping"}'),
        (b"content_block_delta", b'{"type":"content_block_delta","delta":{"text":"Hi"}}'),
        (b"message_delta", b'{"type":"message_delta","usage":{"output_tokens":5}}'),
        (b"message_stop", b'{"type":"message_stop"}'),
    )
)
_PLAIN_STREAM = b'{"model":"gpt-4o-mini","stream":true}'


def _stream(name: str, body: bytes, *sizes: int, route: str = "chat/completions", **more: object) -> Case:
    asked = _ASKED if route.endswith("completions") else _PLAIN_STREAM
    answer = stream(body, *sizes, packet=0)
    return Case(f"stream-{name}", f"/v1/{route}", body=asked, answer=answer, **more)  # type: ignore[arg-type]


_LARGE_REFUSAL = b'{"error":{"code":"theirs","message":"%b"}}' % (b"because " * 30_000)
# With an active job a refusal is looked at, lest it be one of the model, before it goes on.
ACTIVE = [
    _answer(
        f"active-{name}",
        answer,
        body=_ASKED,
        sent_up=_ASKED.replace(b"gpt-4o-mini", TUNED),
        rule="model",
        firm="tuned",
        reason="active_job",
    )
    for name, answer in (
        ("stream", stream(_CHAT, 33)),
        ("refusal", Answer(_ERROR, line=b"HTTP/1.1 400 Bad")),
        ("refusal-of-240-KB", Answer(_LARGE_REFUSAL, line=b"HTTP/1.1 400 Bad")),
        ("refusal-chunked", Answer(_LARGE_REFUSAL, line=b"HTTP/1.1 403 No", framing="chunked", sizes=(1, 70_000))),
        ("refusal-in-html", Answer(_HTML, (b"content-type: text/html",), b"HTTP/1.1 403 No", "close")),
        ("server-error", Answer(_ERROR, line=b"HTTP/1.1 500 Oh")),
    )
]

STREAMS = [
    _stream("chat", _CHAT),
    _stream("chat-single-bytes", _CHAT, 1),
    _stream("completions", _CHAT, 60, route="completions"),
    _stream("responses", _RESPONSES, 33, route="responses"),
    _stream("responses-crlf", _RESPONSES.replace(b"\n", b"\r\n"), 7, route="responses"),
    _stream("messages", _MESSAGES, 40, route="messages"),
    _stream("messages-cr", _MESSAGES.replace(b"\n", b"\r"), 11, route="messages"),
    _stream("claude", _MESSAGES, 64, route="messages", firm="claude", headers=(JSON, b"anthropic-version: 2023-06-01")),
    _stream("crlf", _CHAT.replace(b"\n", b"\r\n"), 31),
    _stream("cr", _CHAT.replace(b"\n", b"\r"), 5),
    _stream("mixed-line-ends", b"data: a\r\rdata: b\n\r\ndata: c\r\n\ndata: d\n\n", 3),
    _stream("comments", b": hello\n\n" + _CHAT + b":\n:\n\n: OPENROUTER PROCESSING\n\n"),
    _stream("fields", b"id: 7\nretry: 100\nevent: x\ndata:no space\ndata:  two\ndata\nunknown: 1\n\n" + _CHAT, 9),
    _stream("multi-line-data", b'data: {"choices":\ndata: []}\n\ndata:\n\n', 4),
    _stream("no-done", events(_WORD)),
    _stream("no-final-blank-line", _CHAT[:-1]),
    _stream("cut-in-the-last-event", _CHAT + b"data: {"),
    _stream("after-done", _CHAT + events(b'{"late":1}')),
    _stream("blank-lines", b"\n\n\n" + _CHAT + b"\n\n\n\n"),
    _stream("byte-order-mark", b"\xef\xbb\xbf" + _CHAT, 2),
    _stream("nothing", b""),
    _stream("not-utf-8", events(b"\xff\xfe", _WORD), 6),
    _stream("long-event", events(b'{"choices":[{"delta":{"content":"%b"}}]}' % (b"z" * 1_000_000)), 70_001),
    _stream("of-5-MB", _CHAT * 17_000, 16_384),
    _stream("error-event", events(_WORD, b'{"error":{"message":"x","code":"server_error"}}')),
    _answer(
        "stream-gzip",
        Answer(gzip.compress(_CHAT), (EVENTS, b"content-encoding: gzip"), framing="chunked", sizes=(20,)),
        body=_ASKED,
    ),
    _answer("stream-until-close", Answer(_CHAT, (EVENTS,), framing="close", packet=50), body=_ASKED),
    _answer("stream-with-a-length", Answer(_CHAT, (EVENTS,)), body=_ASKED),
    _answer("stream-to-http-1.0", stream(_CHAT, 20), body=_ASKED, version="HTTP/1.0"),
    _answer("stream-http-1.0", Answer(_CHAT, (EVENTS,), b"HTTP/1.0 200 OK", "close"), body=_ASKED),
    _answer("stream-not-asked-for", stream(_CHAT, 20), body=CHAT_BODY),
    _answer("stream-asked-for-not-given", Answer(), body=_ASKED),
    _answer(
        "stream-of-a-response",
        stream(_RESPONSES, 20),
        target="/v1/responses/r?stream=true&starting_after=3",
        method="GET",
        headers=(),
        body=b"",
    ),
    _answer("stream-of-speech", stream(events(b'{"type":"speech.audio.delta"}'), 9), target="/v1/audio/speech"),
    _answer(
        "stream-of-images",
        stream(events(b'{"type":"image_generation.partial_image"}'), 9),
        target="/v1/images/generations",
    ),
]
