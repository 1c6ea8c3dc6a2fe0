"""A provider's list of models without those of others."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.wire.models import known, one, without


def foreign(model: str) -> bool:
    return model.startswith("ft:")


def test_a_list_with_nothing_to_hide_passes_byte_for_byte() -> None:
    listing = b'{ "object" : "list", "data" : [ {"id":"gpt-4o", "owned_by":"x"} ] }\n'
    assert without(listing, foreign) == listing
    assert without(b'{"data":[]}', foreign) == b'{"data":[]}'


def test_what_is_unwanted_is_taken_out_and_the_rest_left() -> None:
    listing = b'{"object":"list","data":[{"id":"a","n":1.0},{"id":"ft:x"},{"id":"b","s":"\\u00e9"}],"has_more":false}'
    left = without(listing, foreign)
    assert b'{"id":"a","n":1.0},{"id":"b","s":"\\u00e9"}' in left
    assert json.loads(left) == {
        "object": "list",
        "data": [{"id": "a", "n": 1.0}, {"id": "b", "s": "é"}],
        "has_more": False,
    }


def test_an_escaped_id_is_seen_through() -> None:
    assert json.loads(without(b'{"data":[{"id":"\\u0066t:x"},{"\\u0069d":"ft:y"}]}', foreign)) == {"data": []}


def test_an_array_alone_is_a_list_too() -> None:
    listing = b' [ {"id":"a","n":1.0}, {"id":"ft:x"}, {"id":"b"} ]'
    assert without(listing, foreign) == b'[{"id":"a","n":1.0},{"id":"b"}]'
    assert without(b'[{"id":"a" }] ', foreign) == b'[{"id":"a" }] '
    assert without(b"[]", foreign) == b"[]"


def test_what_is_taken_out_is_not_named_beside_the_list() -> None:
    listing = {
        "data": [{"id": "ft:x"}, {"id": "a"}, {"id": "b"}, {"id": "ft:y"}],
        "first_id": "ft:x",
        "last_id": "ft:y",
    }
    left = json.loads(without(json.dumps(listing).encode(), foreign))
    assert (left["first_id"], left["last_id"]) == ("a", "b")
    none = listing | {"data": [{"id": "ft:x"}]}
    assert json.loads(without(json.dumps(none).encode(), foreign)) == {"data": [], "first_id": None, "last_id": None}


def test_lists_of_our_own() -> None:
    entry = {"id": 'm"é', "object": "model", "created": 0, "owned_by": "housestyle"}
    assert json.loads(one('m"é')) == entry
    assert json.loads(known(['m"é'])) == {"object": "list", "data": [entry]}
    assert json.loads(known([])) == {"object": "list", "data": []}


@pytest.mark.parametrize(
    "listing",
    [
        b"",
        b"7",
        b"[7]",
        b'["ft:x"]',
        b'[{"id":"ft:x"}',
        b"[" * 100_000,
        b"{}",
        b"<html>",
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":["ft:x"]}',
        b'{"data":[{"id":7}]}',
        b'{"data":[{"id":null}]}',
        b'{"data":[{"id":"\xff"}]}',
        b'{"data":[{"id":"ft:x"}',
        b'{"data":' + b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_not_shown(listing: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        without(listing, foreign)
    assert refused.value.code == "upstream_protocol_error"


@given(st.lists(st.sampled_from(["ft:x", "a", "ft:", "é", ""])))
@settings(max_examples=100)
def test_order_and_number_are_kept(ids: list[str]) -> None:
    listing = json.dumps({"data": [{"id": model} for model in ids]}).encode()
    left = [entry["id"] for entry in json.loads(without(listing, foreign))["data"]]
    assert left == [model for model in ids if not model.startswith("ft:")]
