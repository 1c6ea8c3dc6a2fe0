"""What the contract lets differ between a direct call and one through the gateway: a table of rules, each a plain
function of a message. Everything else must be equal, byte for byte.

`seen` puts what was received into the form that is compared: values that nobody can know before are masked, and the
headers that the gateway writes anew stand last, in the order of their names (RFC 9110 section 5.3: the order of headers
of different names means nothing). All others keep their order.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from tests.relay.cases import TUNED, Case
from tests.relay.messages import Headers, Message

_CREDENTIALS = {b"authorization", b"x-api-key", b"api-key"}
_PRIVATE = {b"cookie", b"openai-organization", b"openai-project", b"forwarded"}  # RFC 7239: X-Forwarded-* as a standard
_CONTROL = {b"x-tenant-id", b"x-provider", b"x-workflow", b"x-workflow-run-id", b"x-model-policy"}
# RFC 9110 section 7.6.1 and RFC 2616 section 13.5.1.
_HOP = {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"}
_HOP |= {b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"}
_ADDED = {b"x-call-id", b"x-fine-tuned", b"x-model-reason"}
_WRITTEN_ANEW = (
    _CREDENTIALS | _ADDED | {b"host", b"accept-encoding", b"traceparent", b"tracestate", b"anthropic-version"}
)
_TRACE = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-(0[01])")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_CALL_ID = re.compile(rb"call_[0-9a-f]{32}")
_FINE_TUNED = ("active_job", "pinned_fine_tune")


class Setting(NamedTuple):
    """What a case runs with: the provider's address, its credential as the kind carries it, the fine-tuned model."""

    host: bytes
    credential: tuple[bytes, bytes]
    tuned: bytes = b""


Change = Callable[[Message, Case, Setting], Message]


class Rule(NamedTuple):
    """A difference: the contract's words (or HTTP's), and what it makes of a message."""

    words: str
    change: Change


def expected_request(direct: Message, case: Case, setting: Setting) -> Message:
    """What the provider must receive through the gateway, where it receives `direct` without."""
    for rule in REQUEST_RULES:
        direct = rule.change(direct, case, setting)
    return _ordered(direct)


def expected_answer(direct: Message, case: Case, setting: Setting) -> Message:
    """What the caller must receive through the gateway, where it receives `direct` without."""
    for rule in ANSWER_RULES:
        direct = rule.change(direct, case, setting)
    return _ordered(direct)


def seen(received: Message, direct: Message) -> Message:
    """What was received, in the form that is compared; `direct` tells whether the trace was the caller's."""
    continued = bool(direct.all(b"traceparent"))
    is_request = len(received.line) > 1

    def masked(name: bytes, value: bytes) -> bytes:
        if name == b"traceparent" and is_request:
            return _TRACE.sub(rb"00-\1-SPAN-\2" if continued else rb"00-TRACE-SPAN-\2", value)
        return _CALL_ID.sub(b"CALL", value) if name == b"x-call-id" else value

    headers = tuple((name, masked(name, value)) for name, value in received.headers)
    return _ordered(_unframed(received._replace(headers=headers)))


# what becomes of a request


def _prefix(message: Message, _: Case, __: Setting) -> Message:
    method, target, version = message.line
    return message._replace(line=(method, target if target.startswith(b"/v1/") else b"/v1" + target, version))


def _normal_form(message: Message, _: Case, __: Setting) -> Message:
    method, target, version = message.line
    path, _mark, query = target.partition(b"?")
    path = _ESCAPE.sub(lambda escape: _unreserved(bytes([int(escape[1], 16)]), escape[0].upper()), path)
    return message._replace(line=(method, path + (b"?" + query if query else b""), version))


def _unreserved(byte: bytes, escape: bytes) -> bytes:
    return byte if byte.isalnum() or byte in b"-._~" else escape


def _version(message: Message, _: Case, __: Setting) -> Message:
    return message._replace(line=(*message.line[:2], b"HTTP/1.1"))


def _hop_by_hop(message: Message, _: Case, __: Setting) -> Message:
    named = {token.strip().lower() for value in message.all(b"connection") for token in value.split(b",")}
    return _without(message, _HOP | named)


def _framing(message: Message, _: Case, __: Setting) -> Message:
    return _unframed(_without(message, {b"expect"}))


def _credentials_out(message: Message, _: Case, __: Setting) -> Message:
    kept = _without(message, _CREDENTIALS | _PRIVATE)
    return kept._replace(headers=tuple(h for h in kept.headers if not h[0].startswith(b"x-forwarded-")))


def _credential_in(message: Message, _: Case, setting: Setting) -> Message:
    return _with(message, setting.credential)


def _control_out(message: Message, _: Case, __: Setting) -> Message:
    return _without(message, _CONTROL)


def _host(message: Message, _: Case, setting: Setting) -> Message:
    return _with(_without(message, {b"host"}), (b"host", setting.host))


def _identity(message: Message, _: Case, __: Setting) -> Message:
    return _with(_without(message, {b"accept-encoding"}), (b"accept-encoding", b"identity"))


def _traceparent(message: Message, _: Case, __: Setting) -> Message:
    given = message.all(b"traceparent")
    value = _TRACE.sub(rb"00-\1-SPAN-\2", given[0]) if given else b"00-TRACE-SPAN-01"
    return _with(_without(message, {b"traceparent"}), (b"traceparent", value))


def _decoded(message: Message, case: Case, _: Setting) -> Message:
    return _without(message, {b"content-encoding"}) if case.rewritten else message


def _body_up(message: Message, case: Case, setting: Setting) -> Message:
    return message if case.sent_up is None else message._replace(body=case.sent_up.replace(TUNED, setting.tuned))


def _anthropic_version(message: Message, case: Case, _: Setting) -> Message:
    if case.firm != "claude" or message.all(b"anthropic-version"):
        return message
    return _with(message, (b"anthropic-version", b"2023-06-01"))


REQUEST_RULES = (
    Rule("Served with and without the /v1 prefix", _prefix),
    Rule(
        "(RFC 3986 section 6.2.2) a path is sent in its normal form, lest it be read as another; a query as it came",
        _normal_form,
    ),
    Rule("unknown headers that are not hop-by-hop: those that are stay on the hop, also where Connection", _hop_by_hop),
    Rule("(RFC 9112) length, chunks, Expect and the version are the hop's", _framing),
    Rule("(RFC 9112) a proxy speaks its own version", _version),
    Rule(
        "None of the three credential headers, nor Cookie, X-Forwarded-*, OpenAI-Organization, OpenAI-Project …",
        _credentials_out,
    ),
    Rule("each kind's own credential: that of the tenant's provider", _credential_in),
    Rule("Control headers, understood and not sent upstream", _control_out),
    Rule("(RFC 9112) the host is the one that the request goes to", _host),
    Rule("Accept-Encoding is sent upstream as identity", _identity),
    Rule("traceparent is honoured and continued", _traceparent),
    Rule("what must be read for its model is sent as it was read, decoded", _decoded),
    Rule(
        "a provider of kind anthropic insists on a version; where the caller names none, one is named",
        _anthropic_version,
    ),
    Rule("the model; a body that two JSON parsers could read differently; stream_options.include_usage", _body_up),
)

# what becomes of an answer


def _added(message: Message, case: Case, _: Setting) -> Message:
    reason = case.reason or ("no_active_job" if case.rewritten else "endpoint_not_tunable")
    fine_tuned = b"true" if reason in _FINE_TUNED else b"false"
    own = ((b"x-call-id", b"CALL"), (b"x-fine-tuned", fine_tuned), (b"x-model-reason", reason.encode()))
    return _with(_without(message, _ADDED), *own)


def _body_down(message: Message, case: Case, _: Setting) -> Message:
    if case.comes_down is None:
        return message
    return _without(message, {b"content-length"})._replace(body=case.comes_down)


ANSWER_RULES = (
    Rule("unknown headers that are not hop-by-hop", _hop_by_hop),
    Rule("(RFC 9112) the framing is the hop's", _framing),
    Rule("Response headers added to every data-plane answer: x-call-id, x-fine-tuned, x-model-reason", _added),
    Rule("the extra chunk of stream_options.include_usage is taken out again", _body_down),
)


def _without(message: Message, names: set[bytes]) -> Message:
    return message._replace(headers=tuple(header for header in message.headers if header[0] not in names))


def _with(message: Message, *headers: tuple[bytes, bytes]) -> Message:
    return message._replace(headers=(*message.headers, *headers))


def _unframed(message: Message) -> Message:
    """Without what the gateway says of its own two connections, and without a request's length. An answer's length
    stays: what a provider says of it goes on to the caller."""
    framing = {(b"transfer-encoding", b"chunked"), (b"connection", b"close"), (b"connection", b"keep-alive")}
    length = b"" if len(message.line) == 1 else b"content-length"
    headers = (header for header in message.headers if header not in framing and header[0] != length)
    return message._replace(headers=tuple(headers))


def _ordered(message: Message) -> Message:
    kept: Headers = tuple(header for header in message.headers if header[0] not in _WRITTEN_ANEW)
    length = tuple(header for header in kept if header[0] == b"content-length")
    anew = sorted(header for header in message.headers if header[0] in _WRITTEN_ANEW)
    return message._replace(headers=(*(header for header in kept if header not in length), *length, *anew))
