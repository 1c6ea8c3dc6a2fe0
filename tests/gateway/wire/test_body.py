"""The model in a request's body: found wherever JSON lets it stand, replaced, and nothing else touched."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.wire.body import read, with_model

NEW = 'ft:"new"\\é'


def model_of(raw: bytes) -> Any:
    return json.loads(with_model(read(raw), NEW))


@pytest.mark.parametrize(
    ("raw", "requested"),
    [
        (b'{"model":"m"}', "m"),
        (b' \t\r\n{ \n"model"\t:\r"m" } \n', "m"),
        (b'{"a":1,"model":"m","z":[]}', "m"),
        (b'{"model":""}', ""),
        (b'{"model":null}', None),
        (b'{"messages":[]}', None),
        (b"{}", None),
        (b"{ }", None),
        (b'{"model":"\\u006d\\n"}', "m\n"),
        ('{"model":"modèle-é"}'.encode(), "modèle-é"),
        (b'{"model":"\\ud83d\\ude00"}', "\N{GRINNING FACE}"),
        (b'{"messages":[{"model":"inner"}],"x":{"model":"inner"}}', None),
        (b'{"x":"\\"model\\":\\"inner\\"","model":"m"}', "m"),
        (b'{"x":"}","model":"m"}', "m"),
        (b'{"mod\\u0065l":"escaped"}', "escaped"),
        (b'{"model":"first","model":"last"}', "last"),
        (b'{"model":"plain","mod\\u0065l":"escaped"}', "escaped"),
        (b'{"mod\\u0065l":"escaped","model":"plain"}', "plain"),
        (b'{"model":"m","a":1,"a":2}', "m"),
        (b'{"model":1,"model":"last"}', "last"),
        (b'{"a":12,"a":1,"model":"m"}', "m"),
        (b'{"a":1,"a":12,"model":"m"}', "m"),
        (b'{"a":"x","a":"x","model":"m"}', "m"),
        # walking by the last value's length would lead into the first one, and to the model that stands there
        (b'{"a":{"k":1,"model":"n"},"model":"m","a":123456}', "m"),
        (b'{"a":{"k":1,"model":"m"},"model":"m","a":{"k":1}}', "m"),
        (b'{"model":"same","model":"same"}', "same"),
    ],
)
def test_what_was_asked_for(raw: bytes, requested: str | None) -> None:
    assert read(raw).requested == requested
    assert model_of(raw) == {**json.loads(raw), "model": NEW}


@pytest.mark.parametrize(
    ("raw", "spliced"),
    [
        (b'{"model":"m"}', b'{"model":"new"}'),
        (b'{ "a" : 1.0e+2 , "model" : "m" }', b'{ "a" : 1.0e+2 , "model" : "new" }'),
        (b'\n{"model":null,"b":"\\/"}\n', b'\n{"model":"new","b":"\\/"}\n'),
        (b"{}", b'{"model":"new"}'),
        (b" { } ", b' {"model":"new" } '),
        (b'{"a":1}', b'{"model":"new","a":1}'),
        (b'{ "a":1}', b'{"model":"new", "a":1}'),
        (b'{"model":"m","n":123456789012345678901234567890}', b'{"model":"new","n":123456789012345678901234567890}'),
    ],
)
def test_every_other_byte_stays(raw: bytes, spliced: bytes) -> None:
    assert with_model(read(raw), "new") == spliced


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"a","model":"b"}',
        b'{"mod\\u0065l":"a"}',
        b'{"a":1,"model":"m","a":2}',
        b'{"model":"m","a":12,"a":1}',
        b'{"model":"m","a":1,"a":12}',
        b'{"a":{"k":1,"model":"n"},"model":"m","a":123456}',
        b'{"\\u0061":1,"a":2,"model":"m"}',
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_sent_in_one(raw: bytes) -> None:
    sent = read(raw).raw
    pairs = json.loads(sent, object_pairs_hook=list)
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names)
    assert b"\\u00" not in sent
    assert json.loads(sent) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" ", id="space"),
        pytest.param(b"{", id="cut"),
        pytest.param(b'{"model":"m"', id="cut at its end"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"model"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"model=m", id="a form"),
        pytest.param(b'{"model":"m"}}', id="trailing brace"),
        pytest.param(b'{"model":"m"}{"model":"n"}', id="two objects"),
        pytest.param(b'{"model":"m"}\0', id="trailing NUL"),
        pytest.param(b'{"model":"m",}', id="trailing comma"),
        pytest.param(b"{'model':'m'}", id="single quotes"),
        pytest.param(b'{model:"m"}', id="bare key"),
        pytest.param(b'{"model":"m"/**/}', id="comment"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":01}', id="leading zero"),
        pytest.param(b'{"a":"\x01"}', id="control character"),
        pytest.param(b'{"a":"\\q"}', id="bad escape"),
        pytest.param(b'{"a":"\\u12"}', id="short escape"),
        pytest.param(b'{"model":"\\ud800"}', id="lone surrogate"),
        pytest.param(b'\xef\xbb\xbf{"model":"m"}', id="byte order mark"),
        pytest.param('{"model":"m"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"model":"m","a":"\xff"}', id="not UTF-8 where nobody looks"),
        pytest.param(b'{"model":"m","\xff":1}', id="not UTF-8 in a key"),
        pytest.param(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="nested too deeply"),
        pytest.param(b'{"model":' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="model nested too deeply"),
        pytest.param(b'{"a":' * 200_000, id="cut and nested too deeply"),
        pytest.param(b"[" * 10_000_000, id="ten million brackets"),
        pytest.param(b'{"a":' + b"[" * 10_000_000 + b"]" * 10_000_000 + b"}", id="ten million pairs of brackets"),
        pytest.param(b'{"model":' * 2_000_000, id="two million models"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"model":-Infinity}', id="model is -Infinity"),
        pytest.param(b'{"a":1e}', id="half an exponent"),
        pytest.param(b'{"a":.5}', id="no digit before the point"),
        pytest.param(b'\0{"model":"m"}', id="leading NUL"),
        pytest.param(b'{"model"\0:"m"}', id="NUL between"),
        pytest.param(b'{"model":"m\0"}', id="NUL in the model"),
        pytest.param(b'{"\\ud800":1}', id="lone surrogate in a key"),
        pytest.param('{"model":"m"}'.encode("utf-16-le"), id="UTF-16, little end first"),
        pytest.param('{"model":"m"}'.encode("utf-32"), id="UTF-32"),
        pytest.param(b'{"a":"' + b"x" * (1 << 20) + b'\xc3"}', id="UTF-8 cut far inside"),
        pytest.param(b'{"a":"' + b"x" * (1 << 20) + b'"}\xc3', id="UTF-8 cut at the end"),
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        read(raw)
    assert refused.value.code == "invalid_json"
    assert refused.value.kind.status == 400


@pytest.mark.parametrize(
    "raw",
    [
        b'{"tools":[{"model":"a","model":"b","mod\\u0065l":"c"}],"model":"m"}',
        b'{"model":"m","response_format":{"schema":{"properties":{"Model":{},"model":{}},"model":1}}}',
        b'{"metadata":{"stream":true,"stream":false},"model":"m","n":1.0,"N":1}',
    ],
)
def test_what_stands_deeper_is_not_the_gateways_to_touch(raw: bytes) -> None:
    assert read(raw).raw == raw
    assert with_model(read(raw), "new") == raw.replace(b'"model":"m"', b'"model":"new"')


def test_a_normalised_body_keeps_its_order_and_the_spelling_of_its_numbers() -> None:
    raw = b'{"z":1.50e+2, "a":1, "model":"m", "n":12345678901234567890123, "a":[1.0, 2E5] , "b":"\\u00e9"}'
    kept = b'{"z":1.50e+2,"a":[1.0, 2E5],"model":"m","n":12345678901234567890123,"b":"\\u00e9"}'
    assert read(raw).raw == kept
    assert with_model(read(raw), "new") == kept.replace(b'"m"', b'"new"')


@pytest.mark.parametrize("key", ["\\\\", '\\"', "\\n", "\\u0001"])
def test_a_key_that_cannot_stand_without_escapes_keeps_them(key: str) -> None:
    raw = f'{{"model":"m","{key}":1}}'.encode()
    assert read(raw).raw == raw
    assert with_model(read(raw), "new") == raw.replace(b'"m"', b'"new"')


@pytest.mark.parametrize("name", ["model", "stream", "user", "prompt_cache_key"])
@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 5000], ids=["exponent", "digits"])
def test_a_number_beyond_what_can_be_held_is_refused(name: str, number: str) -> None:
    with pytest.raises(GatewayError) as refused:
        read(f'{{"{name}":{number}}}'.encode())
    assert (refused.value.code, refused.value.param) == ("invalid_json", name)


@pytest.mark.parametrize("value", [b"1", b"1.5", b"true", b"false", b"[]", b'["m"]', b"{}", b'{"id":"m"}'])
def test_a_model_that_is_no_string_is_refused(value: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        read(b'{"messages":[],"model":' + value + b"}")
    assert (refused.value.code, refused.value.param) == ("invalid_model_field", "model")


@pytest.mark.parametrize("key", ["Model", "MODEL", "mod\\u0045l"])
def test_a_key_that_some_parsers_take_for_model(key: str) -> None:
    with pytest.raises(GatewayError) as refused:
        read(f'{{"model":"m","{key}":"other"}}'.encode())
    assert refused.value.code == "invalid_model_field"


@pytest.mark.parametrize(
    ("raw", "stream"),
    [
        (b'{"stream":true}', True),
        (b'{"stream":false}', False),
        (b'{"stream":null}', False),
        (b'{"stream":1}', False),
        (b'{"stream":"true"}', False),
        (b'{"stream":false,"stream":true}', True),
        (b'{"stream":true,"stream":false}', False),
        (b'{"str\\u0065am":true}', True),
        (b'{"stream":false,"Stream":true}', False),  # another field: what it means to the upstream is relayed
        (b"{}", False),
    ],
)
def test_whether_a_stream_is_asked_for(raw: bytes, stream: bool) -> None:
    assert read(raw).stream is stream


@pytest.mark.parametrize(
    ("raw", "conversation"),
    [
        (b'{"prompt_cache_key":"p","user":"u"}', "p"),
        (b'{"user":"u"}', "u"),
        (b'{"prompt_cache_key":"","user":"u"}', "u"),
        (b'{"prompt_cache_key":7,"user":"u"}', "u"),
        (b'{"prompt_cache_key":null}', None),
        (b'{"user":{"id":1}}', None),
        (b"{}", None),
    ],
)
def test_what_keeps_a_conversation_together(raw: bytes, conversation: str | None) -> None:
    assert read(raw).conversation == conversation


def test_a_body_of_many_megabytes() -> None:
    text = "é" * (8 << 20)
    raw = json.dumps({"messages": [{"role": "user", "content": text}], "model": "m"}, ensure_ascii=False).encode()
    sent = with_model(read(raw), "new")
    assert len(sent) == len(raw) + 2
    assert sent.endswith(b'"model": "new"}')


def test_many_members() -> None:
    raw = json.dumps({f"key-{n}": n for n in range(9_999)} | {"model": "m"}).encode()
    assert with_model(read(raw), "new") == raw[: -len(b'"m"}')] + b'"new"}'
    with pytest.raises(GatewayError, match="more than 10000 fields"):
        read(json.dumps({f"key-{n}": n for n in range(10_000)} | {"model": "m"}).encode())


# what holds for any object in any formatting

SPACE = st.text(" \t\r\n", max_size=3)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["model", "stream", "user", "mode", "models", "}", ":", "", "\\", '"', "\n", "\1"]) | st.text(
    max_size=4
)
PLAIN_KEYS = KEYS.filter(lambda key: json.dumps(key, ensure_ascii=False) == f'"{key}"')


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value's JSON, in one of the ways that it may be written."""
    return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 1, "\t"])))


@st.composite
def keys_written(draw: st.DrawFn, key: str) -> str:
    """A key's JSON, some of its characters escaped that need not be."""
    if not draw(st.booleans()):
        return json.dumps(key, ensure_ascii=False)
    parts = [f"\\u{ord(c):04x}" if ord(c) < 0x10000 and draw(st.booleans()) else json.dumps(c)[1:-1] for c in key]
    return '"' + "".join(parts) + '"'


@st.composite
def objects(draw: st.DrawFn, *, ambiguous: bool) -> bytes:
    """An object as a caller may send it. `ambiguous`: with keys that are escaped or stand twice."""
    names = draw(st.lists(KEYS, max_size=6) if ambiguous else st.lists(PLAIN_KEYS, max_size=6, unique=True))
    members = []
    for name in names:
        value = draw(st.none() | st.text()) if name == "model" else draw(VALUES)
        key = draw(keys_written(name)) if ambiguous else json.dumps(name, ensure_ascii=False)
        members.append(f"{draw(SPACE)}{key}{draw(SPACE)}:{draw(SPACE)}{draw(written(value))}{draw(SPACE)}")
    inside = ",".join(members) or draw(SPACE)
    return f"{draw(SPACE)}{{{inside}}}{draw(SPACE)}".encode()


@given(objects(ambiguous=True), st.text())
@settings(max_examples=150)
def test_splicing_and_parsing_agree(raw: bytes, model: str) -> None:
    body = read(raw)
    assert body.requested == json.loads(raw).get("model")
    assert json.loads(body.raw) == json.loads(raw)
    assert json.loads(with_model(body, model)) == {**json.loads(raw), "model": model}


@given(objects(ambiguous=True), st.text())
@settings(max_examples=60)
def test_what_is_sent_can_be_read_in_one_way_only(raw: bytes, model: str) -> None:
    names = [name for name, _ in json.loads(with_model(read(raw), model), object_pairs_hook=tuple)]
    assert len(set(names)) == len(names)


@given(objects(ambiguous=True), st.text(st.characters(codec="utf-8")))
@settings(max_examples=150)
def test_every_parser_reads_the_model_that_was_put_in(raw: bytes, model: str) -> None:
    """The first of a name, the last, any case: each is how some upstream reads."""
    sent = with_model(read(raw), model)
    assert json.loads(sent)["model"] == model
    assert msgspec.json.decode(sent)["model"] == model
    members = [(name, value) for name, value in json.loads(sent, object_pairs_hook=tuple) if name.casefold() == "model"]
    assert members == [("model", model)]
    assert sent.count(b'"model"') >= 1  # in plain letters


@given(objects(ambiguous=False), st.text())
@settings(max_examples=150)
def test_a_plain_body_is_otherwise_kept_byte_for_byte(raw: bytes, model: str) -> None:
    body = read(raw)
    sent = with_model(body, model)
    assert body.raw == raw
    if "model" in body.places:
        start, end = body.places["model"]
        assert json.loads(raw[start:end]) == json.loads(raw)["model"]
        assert sent.startswith(raw[:start])
        assert sent.endswith(raw[end:])
        assert json.loads(sent[start : len(sent) - len(raw) + end]) == model
    else:
        brace = raw.index(b"{") + 1
        assert sent.startswith(raw[:brace] + b'"model":')
        assert sent.endswith(raw[brace:])


@given(st.binary() | objects(ambiguous=True).flatmap(lambda raw: st.integers(0, len(raw)).map(lambda n: raw[:n])))
@settings(max_examples=150)
def test_whatever_arrives_is_read_or_refused(raw: bytes) -> None:
    try:
        body = read(raw)
    except GatewayError as refused:
        assert refused.code in {"invalid_json", "invalid_model_field"}
    else:
        assert isinstance(json.loads(body.raw), dict)


def test_a_models_name_has_a_length() -> None:
    assert read(b'{"model":"%b"}' % (b"m" * 1024)).requested == "m" * 1024
    with pytest.raises(GatewayError) as refused:
        read(b'{"model":"%b"}' % (b"m" * 1025))
    assert refused.value.code == "invalid_model_field"
