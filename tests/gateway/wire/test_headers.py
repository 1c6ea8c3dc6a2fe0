"""Which headers pass, to the upstream and back."""

import pytest

from gateway.wire.headers import (
    Headers,
    content_length,
    first,
    joined,
    presented_key,
    to_caller,
    to_upstream,
    upgrades,
)

KEPT_TO_UPSTREAM = [
    (b"content-type", b"application/json"),
    (b"accept", b"text/event-stream"),
    (b"user-agent", b"OpenAI/Python 3.54"),
    (b"openai-beta", b"assistants=v2"),
    (b"anthropic-version", b"2023-06-01"),
    (b"idempotency-key", b"1"),
    (b"baggage", b"a=b"),
    (b"x-stainless-lang", b"python"),
    (b"x-unknown", b"\xe9"),
    (b"content-encoding", b"identity"),
    (b"anthropic-beta", b"a"),
    (b"anthropic-beta", b"b"),
    (b"x-forwarded", b"kept: no prefix"),
    (b"x-real-ip", b"192.0.2.1"),
    (b"via", b"1.1 x"),
]
NOT_SENT = [
    # credentials
    b"authorization",
    b"x-api-key",
    b"api-key",
    b"cookie",
    b"openai-organization",
    b"openai-project",
    # who called from where
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-",
    b"forwarded",
    # control
    b"x-tenant-id",
    b"x-provider",
    b"x-workflow",
    b"x-workflow-run-id",
    b"x-model-policy",
    # the gateway's own, to its translator
    b"x-housestyle-provider",
    b"x-housestyle-",
    # hop by hop
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"proxy-features",
    b"http2-settings",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    # written anew
    b"host",
    b"content-length",
    b"accept-encoding",
    b"expect",
    b"traceparent",
]


def test_a_callers_headers_pass_as_they_are() -> None:
    assert to_upstream(KEPT_TO_UPSTREAM) == KEPT_TO_UPSTREAM


@pytest.mark.parametrize("name", NOT_SENT)
def test_not_sent_upstream(name: bytes) -> None:
    headers = [KEPT_TO_UPSTREAM[0], (name, b"v"), KEPT_TO_UPSTREAM[1], (name, b"w")]
    assert to_upstream(headers) == KEPT_TO_UPSTREAM[:2]


@pytest.mark.parametrize(
    "connection",
    [b"x-hop", b"close, x-hop", b"X-Hop", b" x-hop ,keep-alive", b",x-hop,,"],
)
def test_what_connection_names_is_hop_by_hop(connection: bytes) -> None:
    headers: Headers = [(b"x-hop", b"1"), (b"connection", connection), (b"x-kept", b"2"), (b"connection", b"other")]
    assert to_upstream(headers) == [(b"x-kept", b"2")]
    assert to_caller(headers) == [(b"x-kept", b"2")]


@pytest.mark.parametrize(
    "name",
    [
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"x-housestyle-provider",
        b"x-call-id",
        b"x-fine-tuned",
        b"x-model-reason",
    ],
)
def test_not_relayed_to_the_caller(name: bytes) -> None:
    assert to_caller([(name, b"v"), (b"content-type", b"text/plain")]) == [(b"content-type", b"text/plain")]


def test_an_upstreams_headers_pass_as_they_are() -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"x-request-id", b"req_1"),
        (b"x-ratelimit-remaining-tokens", b"9"),
        (b"retry-after", b"3"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"openai-organization", b"org"),
        (b"x-forwarded-for", b"x"),
        (b"www-authenticate", b"Bearer"),
        (b"content-encoding", b"gzip"),
    ]
    assert to_caller(headers) == headers


def test_naming_a_header_in_connection_takes_no_other_with_it() -> None:
    headers: Headers = [
        (b"connection", b"x-hop, set-cookie"),
        (b"x-hop-too", b"1"),
        (b"set-cookie", b"2"),
        (b"x-hop", b""),
    ]
    assert to_caller(headers) == [(b"x-hop-too", b"1")]


@pytest.mark.parametrize(
    ("headers", "value"),
    [([], None), ([(b"a", b"1")], b"1"), ([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")], b"1, 3")],
)
def test_a_list_in_several_lines(headers: Headers, value: bytes | None) -> None:
    assert joined(headers, b"a") == value


@pytest.mark.parametrize(("value", "length"), [(b"0", 0), (b" 12 ", 12), (b"", None), (b"-1", None), (b"\xb2", None)])
def test_the_announced_length(value: bytes, length: int | None) -> None:
    assert content_length([(b"content-length", value)]) == length
    assert content_length([]) is None


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ([(b"connection", b"Upgrade"), (b"upgrade", b"websocket")], True),
        ([(b"connection", b"keep-alive, upgrade"), (b"upgrade", b"h2c, websocket")], True),
        ([(b"connection", b"Upgrade, HTTP2-Settings"), (b"upgrade", b"h2c")], False),
        ([(b"upgrade", b"websocket")], False),
        ([(b"connection", b"upgrade")], False),
    ],
)
def test_whether_another_protocol_is_asked_for(headers: Headers, asked: bool) -> None:
    assert upgrades(headers) is asked


def test_the_first_of_a_name() -> None:
    headers = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]
    assert (first(headers, b"a"), first(headers, b"b"), first(headers, b"c")) == (b"1", b"2", None)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([], None),
        ([(b"authorization", b"Bearer hs_1")], "hs_1"),
        ([(b"authorization", b"bearer  hs_1 ")], "hs_1"),
        ([(b"x-api-key", b"hs_1")], "hs_1"),
        ([(b"api-key", b" hs_1")], "hs_1"),
        ([(b"authorization", b"Bearer hs_1"), (b"x-api-key", b"hs_1"), (b"api-key", b"hs_1")], "hs_1"),
        ([(b"authorization", b"Bearer hs_1"), (b"x-api-key", b"hs_2")], None),
        ([(b"authorization", b"Bearer hs_1"), (b"authorization", b"Bearer hs_2")], None),
        ([(b"x-api-key", b"hs_1"), (b"api-key", b"hs_2")], None),
        ([(b"authorization", b"Basic aHNfMTo="), (b"x-api-key", b"hs_1")], None),
        ([(b"authorization", b"Basic hs_1")], None),
        ([(b"authorization", b"hs_1")], None),
        ([(b"authorization", b"Bearer")], None),
        ([(b"authorization", b"Bearer ")], None),
        ([(b"authorization", b"")], None),
        ([(b"x-api-key", b"")], None),
        ([(b"x-api-key", b"\xff")], "\xff"),
        ([(b"cookie", b"hs_1"), (b"proxy-authorization", b"Bearer hs_1")], None),
    ],
)
def test_the_key_that_a_caller_shows(headers: Headers, key: str | None) -> None:
    assert presented_key(headers) == key
