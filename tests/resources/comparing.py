"""Two runs of the resource tests, the mock asked directly and through the gateway, compared test by test: values in, a
verdict with its reason out. Nothing is run or read here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from tests.relay.cases import Case
from tests.relay.messages import Message
from tests.relay.rules import Setting, expected_request, seen
from tests.resources import routes

Kind = Literal["same", "different", "not allowed"]
NO_REQUEST = "(no request)"
_BOUNDARY = re.compile(rb"boundary=\"?([^\";]+)")
_USAGE_ROUTES = ("/v1/chat/completions", "/v1/completions")
_MODEL_ROUTES = (*_USAGE_ROUTES, "/v1/responses", "/v1/messages")


class Outcome(NamedTuple):
    """How a test ended: passed, failed, skipped; what it raised, as `Type`, or `Type 403 code` for an API's error."""

    how: str
    raised: str = ""


class Run(NamedTuple):
    """A run: each test's outcome, and what the mock received of each, in order. What no test said stands under ""."""

    outcomes: Mapping[str, Outcome]
    requests: Mapping[str, list[Message]]

    def of(self, test: str) -> tuple[Outcome, list[Message]]:
        """A test that did not run is `missing`."""
        return self.outcomes.get(test, Outcome("missing")), self.requests.get(test, [])


class Tenant(NamedTuple):
    """Whose calls went through the gateway. `setting`: the mock's address, and the credential that it must see;
    `model`: the provider's default; `allowed`: its `allowed_paths`."""

    setting: Setting
    model: str
    allowed: tuple[str, ...] = ()


class Verdict(NamedTuple):
    """On one test. `family` is its route's; `why` is empty where nothing is wrong."""

    test: str
    family: str
    kind: Kind
    why: str = ""


def compare(direct: Run, through: Run, tenant: Tenant) -> list[Verdict]:
    """A verdict on every test of either run."""
    tests = dict.fromkeys([*direct.outcomes, *through.outcomes])
    verdicts = [_judge(test, direct, through, tenant) for test in tests]
    strays = len(direct.requests.get("", [])) + len(through.requests.get("", []))
    if strays:
        verdicts.append(Verdict("", NO_REQUEST, "different", f"{strays} requests name no test"))
    return verdicts


def table(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Markdown: a row for each family of routes, and one for all."""
    counts: dict[str, Counter[Kind]] = {}
    total: Counter[Kind] = Counter()
    for verdict in verdicts:
        counts.setdefault(verdict.family, Counter())[verdict.kind] += 1
        total[verdict.kind] += 1
    yield "| routes | tests | same | different | not allowed |"
    yield "|---|---:|---:|---:|---:|"
    for family, kinds in [*sorted(counts.items()), ("all", total)]:
        name = family if family == NO_REQUEST else f"`{family}`" if family != "all" else "all"
        yield f"| {name} | {kinds.total()} | {kinds['same']} | {kinds['different']} | {kinds['not allowed']} |"


def _judge(test: str, direct: Run, through: Run, tenant: Tenant) -> Verdict:
    (plain, sent), (relayed, received) = direct.of(test), through.of(test)
    targets = [_target(message) for message in sent]
    family = routes.family(targets[0][1]) if targets else NO_REQUEST
    refused = [refusal for target in targets if (refusal := routes.refusal(*target, tenant.allowed))]
    if refused:
        why = _not_refused(refused[0], relayed, received, tenant)
        return Verdict(test, family, "different" if why else "not allowed", why)
    why = _outcomes_differ(plain, relayed) or _requests_differ(sent, received, tenant)
    return Verdict(test, family, "different" if why else "same", why)


def _not_refused(refusal: tuple[int, str], relayed: Outcome, received: list[Message], tenant: Tenant) -> str:
    status, code = refusal
    leaked = [target for message in received if routes.refusal(*(target := _target(message)), tenant.allowed)]
    if leaked:
        return f"the mock received {' '.join(leaked[0])}, which must be refused"
    if relayed.how != "failed" or not relayed.raised.endswith(f" {status} {code}"):
        return f"must be refused with {status} {code}; {_words(relayed)}"
    return ""


def _outcomes_differ(plain: Outcome, relayed: Outcome) -> str:
    return "" if plain == relayed else f"direct: {_words(plain)}; through the gateway: {_words(relayed)}"


def _requests_differ(sent: list[Message], received: list[Message], tenant: Tenant) -> str:
    if len(sent) != len(received):
        return f"the mock received {len(sent)} requests directly, {len(received)} through the gateway"
    for one, other in zip(sent, received, strict=True):
        plain, relayed = _masked(one), _masked(other)
        method, target = _target(one)
        expected = expected_request(plain, Case("", target=target, method=method), tenant.setting)
        got = seen(relayed, plain)
        written = _written_in(method, target, plain.body, tenant.model)
        if written:
            # Where a field comes to stand is the gateway's affair; tests/relay compares that byte for byte.
            expected = expected._replace(body=_canonical({**(_object(plain.body) or {}), **written}))
            got = got._replace(body=_canonical(_object(got.body)))
        if expected != got:
            return "; ".join(_differences(expected, got))
    return ""


def _target(message: Message) -> tuple[str, str]:
    return message.line[0].decode(), message.line[1].decode()


def _masked(message: Message) -> Message:
    """With a form's boundary, which is chosen by chance, replaced in header and body."""
    found = [_BOUNDARY.search(value) for value in message.all(b"content-type")]
    for boundary in (match[1] for match in found if match):
        said, masked = b"boundary=" + boundary, b"boundary=BOUNDARY"
        headers = tuple((name, value.replace(said, masked)) for name, value in message.headers)
        message = message._replace(headers=headers, body=message.body.replace(boundary, b"BOUNDARY"))
    return message


def _written_in(method: str, target: str, body: bytes, model: str) -> dict[str, Any]:
    """The fields of a body that the gateway writes: the provider's default model where none is asked for, and that a
    stream's usage is to be told (docs/data-plane.md, "What of a call is changed")."""
    path, asked = target.partition("?")[0], _object(body)
    if method != "POST" or asked is None:
        return {}
    written: dict[str, Any] = {}
    if path in _MODEL_ROUTES and asked.get("model") in (None, "", "default"):
        written["model"] = model
    if path in _USAGE_ROUTES and asked.get("stream") is True:
        written["stream_options"] = {**(asked.get("stream_options") or {}), "include_usage": True}
    return written


def _canonical(body: dict[str, Any] | None) -> bytes:
    return msgspec.json.encode(body, order="deterministic")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _differences(expected: Message, got: Message) -> Iterator[str]:
    if expected.line != got.line:
        yield f"{expected.line} became {got.line}"
    for sign, headers, others in (("lacks", expected, got), ("has", got, expected)):
        for name, value in (Counter(headers.headers) - Counter(others.headers)).elements():
            yield f"the relayed request {sign} {name.decode()}: {value.decode(errors='replace')}"
    if expected.body != got.body:
        yield f"the body {expected.body[:300]!r} became {got.body[:300]!r}"
    if Counter(expected.headers) == Counter(got.headers) and expected.headers != got.headers:
        yield "the headers' order changed"


def _words(outcome: Outcome) -> str:
    return f"{outcome.how} ({outcome.raised})" if outcome.raised else outcome.how
