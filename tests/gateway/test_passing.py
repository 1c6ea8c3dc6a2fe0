"""An answer on its way through: what is known of it once it went by."""

import pytest

from gateway import endpoints
from gateway.passing import PassingAnswer
from gateway.wire.answers import Budget, Served

ANSWER = b"""{"id":"resp_1","model":"gpt-4o-mini","status":"completed","output":[],
    "usage":{"input_tokens":100,"output_tokens":20}}"""


@pytest.mark.parametrize(
    ("method", "path", "served"),
    [
        ("POST", "/v1/responses", Served("gpt-4o-mini", "resp_1", ("stop",), 100, 20)),
        ("GET", "/v1/responses/resp_1", Served("gpt-4o-mini", "resp_1", ("stop",))),
    ],
)
def test_what_is_fetched_once_more_is_not_paid_for_once_more(method: str, path: str, served: Served) -> None:
    endpoint = endpoints.find(method, path).endpoint
    passing = PassingAnswer([(b"content-type", b"application/json")], endpoint, Budget(1 << 20), usage_added=False)
    assert passing.feed(ANSWER) == ANSWER
    assert passing.end() == b""
    assert passing.served() == served
