"""Relay cases about what is sent: routes, queries, headers and bodies."""

import gzip
import zlib

from tests.relay.cases import CHAT_BODY, EVENTS, JSON, TUNED, Answer, Case, events, stream

_PLAIN = Answer(b"{}")
_ANTHROPIC = (b"anthropic-version: 2023-06-01", JSON)
_MESSAGES = b'{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}'


def _form(times: int) -> bytes:
    """A form with a model and a file that holds something like its boundary."""
    return (
        b'--b-1\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b-1\r\n'
        b'Content-Disposition: form-data; name="file"; filename="a b.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        b"RIFF\x00\xff\r\n\r\n--b-\r\n" + bytes(range(256)) * times + b"\r\n--b-1--\r\n"
    )


_FORM = _form(30)
_MULTIPART = (b"content-type: multipart/form-data; boundary=b-1",)
_INPUT = b'{"model":"text-embedding-3-small","input":["a","b"]}'


def _bare(prefix: str) -> str:
    return "-bare" if prefix == "/" else ""


def _posts(*routes: str, headers: tuple[bytes, ...] = (JSON,), body: bytes = CHAT_BODY, kind: str = "") -> list[Case]:
    return [
        Case(f"route-{kind}{route}{_bare(prefix)}", prefix + route, headers=headers, body=body)
        for route in routes
        for prefix in ("/v1/", "/")
    ]


def _gets(*routes: str, method: str = "GET") -> list[Case]:
    return [
        Case(f"route-{method}-{route}{_bare(prefix)}", prefix + route, method, (), b"", _PLAIN)
        for route in routes
        for prefix in ("/v1/", "/")
    ]


_LISTING = Answer(b'{ "object":"list", "data":[ {"id":"gpt-4o-mini","x":1e2}, {"id":"o\\u0033"} ] }\n')

ROUTES = [
    *_posts("chat/completions", "responses", "completions", "messages"),
    *_posts("embeddings", "moderations", "messages/count_tokens", body=_INPUT),
    *_posts("images/generations", "audio/speech", body=b'{"model":"gpt-image-1","prompt":"A deed"}'),
    *_posts("audio/transcriptions", "images/edits", headers=_MULTIPART, body=_FORM),
    *_gets("responses/resp_1", "responses/resp_1/input_items", "models/gpt-4o-mini"),
    *_gets("responses/resp_1", method="DELETE"),
    *_posts("responses/resp_1/cancel", body=b""),
    Case("route-GET-models", "/v1/models", "GET", (), b"", _LISTING),
    Case("route-GET-models-bare", "/models", "GET", (), b"", _LISTING),
    Case("route-GET-model-of-an-organisation", "/v1/models/meta/llama-3", "GET", (), b"", _PLAIN),
    Case("allowed-POST", "/v1/batches", body=b'{"input":[ ]}', answer=_PLAIN),
    Case("allowed-GET", "/v1/batches?limit=2", "GET", (), b"", _PLAIN),
    Case("allowed-HEAD", "/v1/batches", "HEAD", (), b"", _PLAIN),
    Case("allowed-PUT-below", "/v1/stores/s-1/files-of-it", "PUT", (JSON,), b"{}", _PLAIN),
    Case("allowed-PATCH", "/v1/stores/s-1", "PATCH", (JSON,), b'{"a":1}', _PLAIN),
    Case("allowed-DELETE-with-a-body", "/v1/stores/s-1", "DELETE", (JSON,), b'{"why":"so"}', _PLAIN),
    Case("claude-messages", "/v1/messages", headers=_ANTHROPIC, body=_MESSAGES, answer=_PLAIN, firm="claude"),
    Case("claude-bare", "/messages", headers=_ANTHROPIC, body=_MESSAGES, answer=_PLAIN, firm="claude"),
    Case("claude-beta", "/v1/messages?beta=true", headers=_ANTHROPIC, body=_MESSAGES, answer=_PLAIN, firm="claude"),
    Case("claude-count", "/v1/messages/count_tokens", headers=_ANTHROPIC, body=_MESSAGES, answer=_PLAIN, firm="claude"),
    Case("claude-no-version", "/v1/messages", body=_MESSAGES, answer=_PLAIN, firm="claude", rule="version"),
    Case(
        "claude-several-betas",
        "/v1/messages",
        headers=(b"Anthropic-Version: 2099-01-01", b"anthropic-beta: a-1, b-2", b"Anthropic-Beta: c-3", JSON),
        body=_MESSAGES,
        answer=_PLAIN,
        firm="claude",
    ),
]

QUERIES = [
    Case(f"query-{name}-{route}", f"/v1/{route}?{query}", body=body, answer=_PLAIN)
    for route, body in (("chat/completions", CHAT_BODY), ("embeddings", _INPUT))
    for name, query in (
        ("plain", "beta=true"),
        ("encoded", "a=%2F%20%C3%A4&b=%00"),
        ("odd", "a=b=c&&=&x;y&z[]=1&?/:@!$'()*,"),
        ("repeated", "a=1&a=2&a="),
        ("plus", "a+b=c+d%2B"),
        ("long", "x=" + "y" * 8000),
    )
]


def _header(name: str, *lines: bytes, **more: object) -> Case:
    return Case(f"header-{name}", headers=(*lines, JSON), **more)  # type: ignore[arg-type]


HEADERS = [
    _header("unknown", b"X-Unknown: some thing", b"x-stainless-lang: python", b"Idempotency-Key: k-1"),
    _header("repeated", b"X-Twice: 1", b"X-Between: 0", b"x-twice: 2", b"X-TWICE: 2"),
    _header("empty", b"X-Empty:", b"X-Spaces:   ", b"X-After: 1"),
    _header("spaces-around", b"X-Padded: \t  a  b \t "),
    _header("latin-1", b"X-Firm: B\xe9n\xe9dict & S\xf6hne"),
    _header("utf-8", "X-Firm: Bénédict ⚖".encode()),
    _header("long", b"X-Long: " + b"v" * 16_000),
    _header("many", *(b"X-Many-%d: %d" % (n, n) for n in range(150))),
    _header("odd-name", b"X_Under.score!#$%&'*+^`|~9: 1"),
    _header("user-agent", b"User-Agent: Assistant/1.0 (x; y)", b"Accept: */*", b"Accept-Language: de;q=0.5, *;q=0"),
    _header("accept-encoding", b"Accept-Encoding: gzip, br", b"accept-encoding: zstd"),
    _header(
        "control", b"X-Workflow: assistant", b"X-Workflow-Run-Id: r-1", b"X-Tenant-Id: {FIRM}", b"X-Provider: main"
    ),
    _header("policy", b"X-Model-Policy: stock", reason="opted_out"),
    _header("cookies", b"Cookie: a=1", b"Cookie: b=2", b"X-Kept: 1"),
    _header("organisation", b"OpenAI-Organization: org-1", b"OpenAI-Project: p-1", b"OpenAI-Beta: assistants=v2"),
    _header("forwarded", b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Anything: 1", b"Forwarded: for=1.2.3.4"),
    _header("via", b"Via: 1.1 firm", b"X-Real-Ip: 1.2.3.4", b"X-Request-Id: r-1"),
    _header("hop-by-hop", b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers", b"Trailer: x"),
    _header("proxy-credentials", b"Proxy-Authorization: Basic eDp5", b"Proxy-Authenticate: Basic"),
    _header(
        "named-in-connection", b"Connection: keep-alive, X-Mine , x-other", b"X-Mine: 1", b"X-Other: 1", b"X-Third: 1"
    ),
    _header(
        "connection-twice", b"Connection: X-Mine", b"Connection: x-other", b"X-Other: 1", b"X-Mine: 1", b"X-Kept: 1"
    ),
    _header("connection-close", b"Connection: close"),
    _header("upgrade-to-h2c", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    Case(
        "header-upgrade-to-h2c-of-a-get",
        "/v1/responses/r",
        "GET",
        (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        b"",
        _PLAIN,
    ),
    _header("expect", b"Expect: 100-continue"),
    _header("trace", b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"tracestate: a=1,b=2"),
    _header(
        "trace-not-sampled", b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", b"baggage: a=1"
    ),
    _header(
        "conditions", b'If-None-Match: "x"', b"If-Modified-Since: Sun, 22 Nov 2026 12:00:00 GMT", b"Range: bytes=0-9"
    ),
    _header("content", b"Content-Language: de", b"Content-MD5: x", b"Content-Disposition: inline", b"Digest: y"),
    _header("key-as-x-api-key", key=b"x-api-key: {KEY}"),
    _header("key-as-api-key", b"x-api-key: {KEY}", key=b"Api-Key: {KEY}"),
    _header("key-in-small-letters", key=b"AUTHORIZATION: bearer {KEY}"),
    _header("http-1.0", b"X-Old: 1", version="HTTP/1.0"),
    Case("header-two-types", headers=(JSON, b"content-type: text/plain"), answer=_PLAIN),
    Case("header-range-of-audio", "/v1/audio/speech", headers=(JSON, b"Range: bytes=100-"), answer=_PLAIN),
]


def _body(name: str, body: bytes, up: bytes | None = None, **more: object) -> Case:
    return Case(f"body-{name}", body=body, sent_up=up, **more)  # type: ignore[arg-type]


_M = b'"model":"gpt-4o-mini"'
_DEEP = b'{%b,"x":%b1%b}' % (_M, b"[" * 200, b"]" * 200)

PATHS = [
    Case("path-query-empty", "/v1/responses/r?", "GET", (), b"", _PLAIN),
    Case("path-encoded", "/v1/responses/a%20b%C3%A4/x", "GET", (), b"", _PLAIN),
    Case("path-encoded-without-need", "/v1/responses/resp%2D1%7e", "GET", (), b"", _PLAIN),
    Case("path-lower-case-escapes", "/v1/responses/%c3%a4", "GET", (), b"", _PLAIN),
    Case("path-marks", "/v1/responses/a:b@c-d._~e!$&'()*,=+f", "GET", (), b"", _PLAIN),
]

BODIES = [
    _body("unknown-fields", b'{"zzz":{"a":[null,true]},%b,"messages":[],"":0}' % _M),
    _body("odd-whitespace", b'\r\n\t {\n "messages" :\t[ ] ,\r"model"  :\t"gpt-4o-mini" } \n'),
    _body("escapes", b'{%b,"x":"\\u00e4\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\"\\\\"}' % _M),
    _body("escaped-model", b'{"model":"gpt\\u002d4o-mini","messages":[]}'),
    _body("unicode", '{"model":"gpt-4o-mini","x":"ä ⚖ 😀 \u2028 \x7f"}'.encode()),
    _body("big-numbers", b'{%b,"x":[1e400,-0,-0.0,1E+2,123456789012345678901234567890,0.1000000000000000055511]}' % _M),
    _body("nested-duplicates", b'{%b,"x":{"a":1,"a":2,"model":"n","model":3}}' % _M),
    _body(
        "nested-models", b'{"tools":[{"model":"a"}],%b,"response_format":{"schema":{"model":{"type":"string"}}}}' % _M
    ),
    _body("deep", _DEEP),
    _body("model-last", b'{"messages":[{"content":"\\"model\\":\\"x\\""}],"x":null, "model" : "o3" }'),
    _body("1-MB", b'{%b,"messages":[{"role":"user","content":"%b"}]}' % (_M, b"clause \\n" * 110_000)),
    _body("5-MB", b'{%b,"x":"%b"}' % (_M, "ä".encode() * 2_500_000)),
    _body("chunked", CHAT_BODY, sizes=(1, 2, 30)),
    _body("chunked-1-MB", b'{%b,"x":"%b"}' % (_M, b"y" * 1_000_000), sizes=(1, 70_000, 3)),
    _body("in-packets-of-7", CHAT_BODY, packet=7),
    _body("in-single-bytes-http-1.0", CHAT_BODY, packet=1, version="HTTP/1.0"),
    _body("stream-false", b'{%b,"stream":false,"stream_options":null}' % _M),
    _body("stream-with-usage", b'{%b,"stream":true,"stream_options":{ "include_usage" : true}}' % _M),
    _body("default", b'{ "model" : "default" , "x":1}', b'{ "model" : "gpt-4o-mini" , "x":1}', rule="model"),
    _body("empty-model", b'{"x":1,"model":""}', b'{"x":1,"model":"gpt-4o-mini"}', rule="model"),
    _body("null-model", b'{"model":null}', b'{"model":"gpt-4o-mini"}', rule="model"),
    _body("no-model", b' { "x":1}', b' {"model":"gpt-4o-mini", "x":1}', rule="model"),
    _body("nothing-in-it", b"{}", b'{"model":"gpt-4o-mini"}', rule="model"),
    _body("duplicate-model", b'{"model":"a","x":[ ],"model":"o3"}', b'{"model":"o3","x":[ ]}', rule="normalised"),
    _body("escaped-key", b'{"mod\\u0065l":"o3","x": 1}', b'{"model":"o3","x":1}', rule="normalised"),
    _body("gzip", gzip.compress(CHAT_BODY), CHAT_BODY, headers=(JSON, b"Content-Encoding: gzip"), rule="decoded"),
    _body("deflate", zlib.compress(CHAT_BODY), CHAT_BODY, headers=(JSON, b"content-encoding: deflate"), rule="decoded"),
    _body(
        "active", CHAT_BODY, CHAT_BODY.replace(b"gpt-4o-mini", TUNED), firm="tuned", reason="active_job", rule="model"
    ),
    _body(
        "active-odd",
        b'{ "a":{"model":"gpt-4o-mini"}, "model" :\n"default","z":1.0e0 }',
        b'{ "a":{"model":"gpt-4o-mini"}, "model" :\n"' + TUNED + b'","z":1.0e0 }',
        firm="tuned",
        reason="active_job",
        rule="model",
    ),
    _body("active-other-model", b'{"model":"o3"}', firm="tuned", reason="model_not_default"),
    _body("active-opted-out", CHAT_BODY, headers=(JSON, b"x-model-policy: stock"), firm="tuned", reason="opted_out"),
    _body(
        "active-responses",
        CHAT_BODY,
        CHAT_BODY.replace(b"gpt-4o-mini", TUNED),
        target="/v1/responses",
        firm="tuned",
        reason="active_job",
        rule="model",
    ),
    _body("relayed-no-json", b"\xff\x00not json", target="/v1/embeddings", headers=(b"content-type: text/plain",)),
    _body("relayed-gzip", gzip.compress(_INPUT), target="/v1/embeddings", headers=(JSON, b"content-encoding: gzip")),
    _body("relayed-chunked", _INPUT, target="/v1/embeddings", sizes=(1, 5)),
    _body("relayed-duplicates", b'{"model":"a","model":"b"}', target="/v1/moderations"),
    _body(
        "relayed-5-MB",
        bytes(range(256)) * 20_000,
        target="/v1/audio/translations",
        headers=(b"content-type: audio/wav",),
    ),
    _body(
        "relayed-5-MB-chunked",
        _form(20_000),
        target="/v1/audio/transcriptions",
        headers=_MULTIPART,
        sizes=(65_000, 1, 9),
    ),
    _body("relayed-form-in-packets", _FORM, target="/v1/images/variations", headers=_MULTIPART, packet=100),
    _body("relayed-nothing", b"", target="/v1/moderations"),
]

_OPTION = b'"stream_options":{"include_usage":true}'
_USAGE = b'{"id":"c1","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":5}}'
_WORD = b'{"id":"c1","choices":[{"delta":{"content":"Hi"}}]}'
_TOLD = events(_WORD, _WORD, _USAGE, b"[DONE]")
_SAID = events(_WORD, _WORD, b"[DONE]")
_STREAMED = b'{"stream":true,"model":"gpt-4o-mini"}'
_ASKING = b'{%b,"stream":true,"model":"gpt-4o-mini"}' % _OPTION


def _usage(name: str, body: bytes, up: bytes, answer: Answer, down: bytes | None = _SAID, **more: object) -> Case:
    return Case(f"usage-{name}", body=body, sent_up=up, answer=answer, comes_down=down, rule="usage", **more)  # type: ignore[arg-type]


USAGE = [
    _usage("one-chunk", _STREAMED, _ASKING, stream(_TOLD)),
    _usage("odd-chunks", _STREAMED, _ASKING, stream(_TOLD, 1, 17, 64, packet=33)),
    _usage("crlf", _STREAMED, _ASKING, stream(_TOLD.replace(b"\n", b"\r\n"), 50), _SAID.replace(b"\n", b"\r\n")),
    _usage("cr", _STREAMED, _ASKING, stream(_TOLD.replace(b"\n", b"\r"), 50), _SAID.replace(b"\n", b"\r")),
    _usage("completions", _STREAMED, _ASKING, stream(_TOLD), target="/v1/completions"),
    _usage("until-close", _STREAMED, _ASKING, Answer(_TOLD, (EVENTS,), framing="close")),
    _usage("with-a-length", _STREAMED, _ASKING, Answer(_TOLD, (EVENTS,))),
    _usage(
        "asked-without",
        _STREAMED.replace(b"}", b',"stream_options":{"include_usage":false, "x":1}}'),
        _STREAMED.replace(b"}", b',"stream_options":{"include_usage":true,"x":1}}'),
        stream(_TOLD),
    ),
    _usage("no-such-event", _STREAMED, _ASKING, stream(_SAID, 20)),
    _usage(
        "usage-beside-choices",
        _STREAMED,
        _ASKING,
        stream(events(_WORD[:-1] + b',"usage":{"prompt_tokens":1}}')),
        events(_WORD[:-1] + b',"usage":{"prompt_tokens":1}}'),
    ),
    _usage("without-last-line-end", _STREAMED, _ASKING, stream(_TOLD[:-1], 40), _SAID[:-1]),
    _usage(
        "no-event-stream",
        _STREAMED,
        _ASKING,
        Answer(b'{"error":{"code":"x"}}', line=b"HTTP/1.1 400 Bad"),
        None,
    ),
    _usage("long-event", _STREAMED, _ASKING, stream(events(b"x" * 200_000, _USAGE), 999), events(b"x" * 200_000)),
]
