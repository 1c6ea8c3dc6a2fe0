"""Every relay case twice on raw sockets: at the provider itself, and through the gateway. What each side
receives must be the same but for the rules of `rules.py`."""

import pytest

from tests.relay import cases_answers, cases_requests
from tests.relay.cases import Case
from tests.relay.conftest import Stage
from tests.relay.messages import Message, Wire, connect, read_answer, read_request
from tests.relay.rules import expected_answer, expected_request, seen

CASES = [
    *cases_requests.ROUTES,
    *cases_requests.QUERIES,
    *cases_requests.PATHS,
    *cases_requests.HEADERS,
    *cases_requests.BODIES,
    *cases_requests.USAGE,
    *cases_answers.STATUSES,
    *cases_answers.HEADERS,
    *cases_answers.FRAMING,
    *cases_answers.BYTES,
    *cases_answers.ACTIVE,
    *cases_answers.STREAMS,
]


def test_there_are_as_many_cases_as_are_promised() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 120


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_nothing_differs_but_what_the_contract_lists(stage: Stage, case: Case) -> None:
    setting = stage.settings[case.firm]
    direct = _run(stage, case, stage.provider.address)
    relayed = _run(stage, case, stage.address)
    assert seen(relayed[0], direct[0]) == expected_request(direct[0], case, setting)
    assert seen(relayed[1], direct[0]) == expected_answer(direct[1], case, setting)


def _run(stage: Stage, case: Case, address: tuple[str, int]) -> tuple[Message, Message]:
    """What the provider received, and the caller."""
    received: list[Message] = []

    def script(wire: Wire) -> bool:
        received.append(read_request(wire))
        wire.send(case.answer.raw(case.method), case.answer.packet)
        return not case.answer.closes

    stage.provider.script = script
    firm = stage.firms[case.firm]
    raw = case.raw(b"%b:%d" % (address[0].encode(), address[1]), firm.key.encode())
    raw = raw.replace(b"{KEY}", firm.key.encode()).replace(b"{FIRM}", firm.name.encode())
    with connect(address) as wire:
        wire.send(raw, case.packet)
        answer = read_answer(wire, case.method)
        assert not wire.rest, "nothing comes after the answer"
    assert len(received) == 1, f"one request reaches the provider, not {len(received)}: {answer}"
    return received[0], answer
