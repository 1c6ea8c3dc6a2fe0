"""What is compared, on values: that what the contract lets differ is passed over, and that nothing else is."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.relay.messages import Message
from tests.relay.rules import Setting
from tests.resources.comparing import Outcome, Run, Tenant, Verdict, compare, table

TEST = "test_chat.py::test_create"
TENANT = Tenant(Setting(b"mock:1", (b"authorization", b"Bearer sk-firm")), "gpt-default")
PASSED = Outcome("passed")
REFUSED = Outcome("failed", "PermissionDeniedError 403 endpoint_not_allowed")
BODY = b'{"model":"gpt-4o","messages":[]}'
FORM = b'--%b\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n--%b--\r\n'


def sent(target: str = "/v1/chat/completions", body: bytes = BODY, method: str = "POST", kind: bytes = b"") -> Message:
    """A request as the client sends it to the mock."""
    headers = (
        (b"host", b"mock:1"),
        (b"accept-encoding", b"gzip, br"),
        (b"authorization", b"Bearer My API Key"),
        (b"content-type", kind or b"application/json"),
        (b"openai-organization", b"org-x"),
        (b"x-resource-test", TEST.encode()),
    )
    return Message((method.encode(), target.encode(), b"HTTP/1.1"), headers, body)


def relayed(request: Message, body: bytes | None = None) -> Message:
    """The same as the gateway sends it on."""
    kept = [h for h in request.headers if h[0] not in (b"accept-encoding", b"authorization", b"openai-organization")]
    own = [(b"accept-encoding", b"identity"), TENANT.setting.credential]
    own.append((b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"))
    return request._replace(headers=(*kept, *own), body=request.body if body is None else body)


def judged(
    direct: list[Message],
    through: list[Message],
    plain: Outcome = PASSED,
    ended: Outcome = PASSED,
    tenant: Tenant = TENANT,
) -> Verdict:
    """The verdict on one test that sent `direct` and, through the gateway, `through`."""
    [verdict] = compare(Run({TEST: plain}, {TEST: direct}), Run({TEST: ended}, {TEST: through}), tenant)
    return verdict


def test_a_call_with_the_documented_differences_is_the_same() -> None:
    assert judged([sent()], [relayed(sent())]) == Verdict(TEST, "chat", "same")


ALTERED: dict[str, Callable[[Message], Message]] = {
    "method": lambda m: m._replace(line=(b"PUT", *m.line[1:])),
    "path": lambda m: m._replace(line=(m.line[0], b"/v1/completions", m.line[2])),
    "query": lambda m: m._replace(line=(m.line[0], m.line[1] + b"?a=1", m.line[2])),
    "body": lambda m: m._replace(body=m.body + b" "),
    "type": lambda m: m._replace(
        headers=tuple((n, b"text/plain" if n == b"content-type" else v) for n, v in m.headers),
    ),
    "more": lambda m: m._replace(headers=(*m.headers, (b"x-more", b"1"))),
    "less": lambda m: m._replace(headers=tuple(h for h in m.headers if h[0] != b"x-resource-test")),
    "order": lambda m: m._replace(headers=(m.headers[2], *m.headers[:2], *m.headers[3:])),
    "credential": lambda m: m._replace(
        headers=tuple((n, b"Bearer My API Key" if n == b"authorization" else v) for n, v in m.headers),
    ),
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=list(ALTERED))
def test_anything_else_in_the_request_is_a_difference(altered: Callable[[Message], Message]) -> None:
    verdict = judged([sent()], [altered(relayed(sent()))])
    assert verdict.kind == "different"
    assert verdict.why


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_two_bodies_are_the_same_only_where_they_are_equal(one: bytes, other: bytes) -> None:
    verdict = judged([sent("/v1/embeddings", one)], [relayed(sent("/v1/embeddings", one), other)])
    assert (verdict.kind == "same") == (one == other)


def test_a_request_too_few_or_too_many_is_a_difference() -> None:
    once, twice = [relayed(sent())], [relayed(sent())] * 2
    assert judged([sent()], []).kind == "different"
    assert judged([sent()], twice).kind == "different"
    assert judged([sent()] * 2, once).kind == "different"
    assert judged([], once).kind == "different"


def test_another_outcome_is_a_difference() -> None:
    failed = Outcome("failed", "AssertionError")
    verdict = judged([sent()], [relayed(sent())], ended=failed)
    assert verdict.why == "direct: passed; through the gateway: failed (AssertionError)"
    assert judged([sent()], [relayed(sent())], plain=failed).kind == "different"
    assert judged([sent()], [relayed(sent())], failed, Outcome("failed", "ValueError")).kind == "different"
    assert judged([sent()], [relayed(sent())], failed, failed).kind == "same"


def test_a_test_of_one_run_alone_is_a_difference() -> None:
    run, empty = Run({TEST: PASSED}, {}), Run({}, {})
    assert [v.kind for v in compare(run, empty, TENANT)] == ["different"]
    assert [v.kind for v in compare(empty, run, TENANT)] == ["different"]


def test_requests_of_no_test_are_a_difference() -> None:
    found = compare(Run({TEST: PASSED}, {}), Run({TEST: PASSED}, {"": [sent()]}), TENANT)
    assert [v.kind for v in found] == ["same", "different"]


# what the gateway writes into a body


@pytest.mark.parametrize("body", [b"{}", b'{"model":""}', b'{"model":null}', b'{"model":"default"}'])
def test_the_default_model_may_be_written_where_none_is_asked_for(body: bytes) -> None:
    request = sent("/v1/responses", body)
    assert judged([request], [relayed(request, b'{"model": "gpt-default"}')]).kind == "same"
    assert judged([request], [relayed(request, b'{"model":"another"}')]).kind == "different"
    assert judged([request], [relayed(request)]).kind == "different"


def test_no_model_may_be_written_elsewhere() -> None:
    embedding = sent("/v1/embeddings", b"{}")
    assert judged([embedding], [relayed(embedding, b'{"model":"gpt-default"}')]).kind == "different"
    named = sent("/v1/responses")
    assert judged([named], [relayed(named, BODY.replace(b"gpt-4o", b"gpt-default"))]).kind == "different"


def test_a_streams_usage_may_be_asked_for() -> None:
    request = sent(body=b'{"model":"gpt-4o","stream":true,"stream_options":{"x":1}}')
    asking = b'{"stream":true,"model":"gpt-4o","stream_options":{"include_usage":true,"x":1}}'
    assert judged([request], [relayed(request, asking)]).kind == "same"
    assert judged([request], [relayed(request, asking.replace(b'"x":1', b'"x":2'))]).kind == "different"
    other = sent("/v1/responses", request.body)
    assert judged([other], [relayed(other, asking)]).kind == "different"


def test_a_forms_boundary_is_chosen_by_chance() -> None:
    kinds = [b"multipart/form-data; boundary=%b" % boundary for boundary in (b"aaa", b"bbb")]
    one = sent("/v1/audio/translations", FORM % (b"aaa", b"aaa"), kind=kinds[0])
    other = sent("/v1/audio/translations", FORM % (b"bbb", b"bbb"), kind=kinds[1])
    assert judged([one], [relayed(other)]).kind == "same"
    assert judged([one], [relayed(other, FORM % (b"aaa", b"bbb"))]).kind == "different"


# what the gateway refuses


def test_a_refused_route_must_be_refused_and_reach_nobody() -> None:
    request = sent("/v1/batches", method="GET")
    assert judged([request], [], ended=REFUSED) == Verdict(TEST, "batches", "not allowed")
    assert judged([request], [relayed(request)], ended=REFUSED).kind == "different"
    assert judged([request], [relayed(request)]).kind == "different"
    assert judged([request], []).kind == "different"
    for raised in ("PermissionDeniedError 403 forbidden_role", "NotFoundError 404 endpoint_not_allowed", "ValueError"):
        assert judged([request], [], ended=Outcome("failed", raised)).kind == "different"


def test_what_is_allowed_must_be_relayed() -> None:
    tenant = TENANT._replace(allowed=("batches",))
    request = sent("/v1/batches", method="GET")
    assert judged([request], [relayed(request)], tenant=tenant).kind == "same"
    assert judged([request], [], ended=REFUSED, tenant=tenant).kind == "different"


def test_the_table_counts_each_family() -> None:
    verdicts = [
        Verdict("a", "chat", "same"),
        Verdict("b", "chat", "different", "why"),
        Verdict("c", "batches", "not allowed"),
        Verdict("d", "(no request)", "same"),
    ]
    assert list(table(verdicts))[2:] == [
        "| (no request) | 1 | 1 | 0 | 0 |",
        "| `batches` | 1 | 0 | 0 | 1 |",
        "| `chat` | 2 | 1 | 1 | 0 |",
        "| all | 4 | 2 | 1 | 1 |",
    ]
