"""The names in a JSON body that goes by: all of them, however it is cut, and nothing that could hide one."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.wire.scan import Scanner

JSON = b"application/json"


def scanned(body: bytes, step: int = 1 << 20, content_type: bytes | None = JSON) -> dict[str, list[str]]:
    scanner = Scanner(content_type, None)
    for at in range(0, len(body), step):
        scanner.feed(body[at : at + step])
    scanner.close()
    return scanner.fields


def code_of(body: bytes, step: int = 1 << 20, content_type: bytes | None = JSON) -> str:
    with pytest.raises(GatewayError) as refused:
        scanned(body, step, content_type)
    return refused.value.code


@pytest.mark.parametrize("step", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("body", "models"),
    [
        (b"{}", []),
        (b" \r\n{ \t} \n", []),
        (b'{"model":"m"}', ["m"]),
        (b' { "input" : [ "x" , { "model" : "inner" } ] , "model" : "m" } ', ["m"]),
        (b'{"model":"a","model":"b"}', ["a", "b"]),
        (b'{"Model":"a","MODEL":"b"}', ["a", "b"]),
        (b'{"mod\\u0065l":"\\u006d\\n"}', ["m\n"]),
        (b'{"\\u006d\\u006F\\u0064\\u0065\\u006c":"m"}', ["m"]),
        (b'{"model":null}', [""]),
        (b'{"model":7,"x":true}', [""]),
        (b'{"model":{"model":"inner"}}', [""]),
        (b'{"model":["a"],"model":"b"}', ["", "b"]),
        (b'{"model":""}', [""]),
        (b'{"a":"\\"model\\":\\"x\\"","model":"m"}', ["m"]),
        (b'{"a":"\\\\","model":"m"}', ["m"]),
        (b'{"a":["\\\\","]","\\"}"],"model":"m"}', ["m"]),
        (b'{"a":{"b":{"model":"x"}},"models":"x","mode":"x","":"x"}', []),
        (b'{"a":-1.5e+10,"b":NaN,"c":[1,2,[3,[]],{}],"model":"m"}', ["m"]),
        (b'{"model":"m","' + b"k" * 500 + b'":1}', ["m"]),
        ('{"é":"ü\N{GRINNING FACE}","model":"é"}'.encode(), ["é"]),
        (b'{"model":"\\ud83d\\ude00"}', ["\N{GRINNING FACE}"]),
    ],
)
def test_the_models_that_are_named(body: bytes, models: list[str], step: int) -> None:
    assert scanned(body, step) == {"model": models, "purpose": []}


def test_the_purpose_is_seen_as_the_most_lenient_parser_compares_it() -> None:
    body = '{"purpose":"a","Purpose":"b","purpo\N{LATIN SMALL LETTER LONG S}e":"c"}'.encode()
    assert scanned(body)["purpose"] == ["a", "b", "c"]


@pytest.mark.parametrize("content_type", [None, b"", b"text/plain", b"application/octet-stream", b"audio/mpeg"])
def test_what_looks_like_json_is_read_as_such(content_type: bytes | None) -> None:
    assert scanned(b'\n{"model":"m"}', 1, content_type)["model"] == ["m"]


def test_names_are_known_as_soon_as_they_went_by() -> None:
    scanner = Scanner(JSON, None)
    scanner.feed(b'{"model":"m"')
    assert scanner.fields["model"] == ["m"]
    scanner.feed(b',"model":"n"')
    assert scanner.fields["model"] == ["m", "n"]


@pytest.mark.parametrize("step", [1, 1 << 20])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b'{"model":"m"', id="cut at its end"),
        pytest.param(b'{"model":"m', id="cut in a name"),
        pytest.param(b'{"a":[1', id="cut in an array"),
        pytest.param(b'{"a":"\\', id="cut in an escape"),
        pytest.param(b'{"a":1}{"model":"m"}', id="two objects"),
        pytest.param(b'{"a":1}x', id="trailing garbage"),
        pytest.param(b'{"a":1}\0', id="trailing NUL"),
        pytest.param(b'{"a":1,}', id="trailing comma"),
        pytest.param(b'{"a":1,"b":"x",}', id="trailing comma after more"),
        pytest.param(b'{,"a":1}', id="leading comma"),
        pytest.param(b'{"a" "model":1}', id="no colon"),
        pytest.param(b'{"a":1 "model":"m"}', id="no comma"),
        pytest.param(b'{"a":,"model":"m"}', id="no value"),
        pytest.param(b"{'model':'m'}", id="single quotes"),
        pytest.param(b'{model:"m"}', id="bare key"),
        pytest.param(b'{/*"*/"model":"m"/*"*/}', id="comment"),
        pytest.param(b'{"a":[/*"*/],"model":"m","b":[/*"*/]}', id="comment below"),
        pytest.param(b'{"a":[\'"\'],"model":"m"}', id="single quotes below"),
        pytest.param(b'{"a":[}', id="another bracket"),
        pytest.param(b'{"a":{]}', id="another bracket in an object"),
        pytest.param(b'{"a":1]', id="another bracket at the end"),
        pytest.param(b'{"\\q":1}', id="bad escape in a key"),
        pytest.param(b'{"model":"\\u12"}', id="bad escape in a name"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"a":"\xc3"}', id="UTF-8 cut"),
        pytest.param(b'\xef\xbb\xbf{"model":"m"}', id="byte order mark"),
        pytest.param('{"model":"m"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(' {"model":"m"}'.encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param('{"model":"m"}'.encode("utf-16-le"), id="UTF-16, little end first"),
        pytest.param('{"model":"m"}'.encode("utf-32"), id="UTF-32"),
        pytest.param('{"model":"m"}'.encode("utf-32-be"), id="UTF-32, big end first"),
        pytest.param(b'\x0b{"model":"m"}', id="another space"),
        pytest.param(b'//\n{"model":"m"}', id="comment before"),
        pytest.param(b'{"a":' * 2000, id="nested too deeply"),
        pytest.param(b'{"a":' + b"[" * 100_000, id="arrays nested too deeply"),
    ],
)
def test_what_parsers_could_read_differently_is_refused(body: bytes, step: int) -> None:
    assert code_of(body, step) == "invalid_json"


@pytest.mark.parametrize("body", [b"", b" \n", b"[]", b'[{"model":"m"}]', b'"model"', b"7", b"null"])
def test_what_is_no_object_names_nothing(body: bytes) -> None:
    assert scanned(body) == {"model": [], "purpose": []}


@pytest.mark.parametrize("step", [100, 1 << 20])
@pytest.mark.parametrize("key", [b"model", b"purpose", b"Model"])
def test_a_name_that_no_model_has_is_refused(key: bytes, step: int) -> None:
    body = b'{"%b":"%b"}'
    assert scanned(body % (key, b"m" * 1024), step)[key.decode().lower()] == ["m" * 1024]
    assert code_of(body % (key, b"m" * 1025), step) == "invalid_model_field"


@pytest.mark.parametrize("charset", [b"utf-7", b'"UTF-16"', b"shift_jis", b"utf-8; charset=utf-7"])
def test_another_charset_is_refused(charset: bytes) -> None:
    assert code_of(b'{"model":"m"}', content_type=b"application/json; charset=" + charset) == "invalid_json"


@pytest.mark.parametrize("charset", [b"utf-8", b"UTF8", b'"utf-8"', b"us-ascii"])
def test_what_is_utf_8_by_its_type_passes(charset: bytes) -> None:
    content_type = b"application/json; charset=" + charset
    assert scanned(b'{"model":"m"}', content_type=content_type)["model"] == ["m"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["model", "a", '"', "\\"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(["model", "Model", "purpose", "models", "", '"', "\\", "a"]) | st.text(max_size=4)


@given(
    st.lists(st.tuples(KEYS, VALUES), max_size=6),
    st.booleans(),
    st.sampled_from([None, 0, "\t"]),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
@settings(max_examples=500)
def test_what_is_seen_is_what_a_parser_reads(
    members: list[tuple[str, Any]], ascii_only: bool, indent: Any, sizes: list[int]
) -> None:
    parts = [
        json.dumps(key, ensure_ascii=ascii_only) + ":" + json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        for key, value in members
    ]
    body = ("{" + ",".join(parts) + "}").encode(errors="surrogatepass")
    expected: dict[str, list[str]] = {"model": [], "purpose": []}
    for key, value in json.loads(body, object_pairs_hook=tuple):
        if key.casefold() in expected:
            expected[key.casefold()].append(value if isinstance(value, str) else "")
    scanner = Scanner(JSON, None)
    at = turn = 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        scanner.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    scanner.close()
    assert scanner.fields == expected == scanned(body)


ODD = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b":",
    b",",
    b'"model"',
    b'"m"',
    b"1",
    b" ",
    b"/*",
    b"'",
    b"\xff",
    b"\0",
    b"\xc3\xa9",
]


@given(st.lists(st.sampled_from(ODD), max_size=30).map(lambda parts: b"{" + b"".join(parts)), st.integers(1, 9))
@example(b"{\0}\0", 1)
@settings(max_examples=500)
def test_whatever_a_parser_can_read_is_seen_or_refused(body: bytes, step: int) -> None:
    try:
        # As UTF-8, which alone JSON may be in: of bytes this parser takes `{\0}\0` for UTF-16.
        read = json.loads(body.decode(), object_pairs_hook=lambda pairs: dict(pairs))
    except ValueError:
        read = None
    try:
        seen = scanned(body, step)
    except GatewayError as refused:
        assert read is None
        assert refused.code == "invalid_json"
    else:
        if read is not None and isinstance(read.get("model"), str):
            assert seen["model"][-1] == read["model"]


def test_memory_does_not_grow_with_the_body() -> None:
    scanner = Scanner(JSON, None)
    chunk = b'{"a":[1,2],"b":"\\u00e9"},' * 2000  # in one feed, more than is looked at in one go
    tracemalloc.start()
    try:
        scanner.feed(b'{"input":[')
        for _ in range(20):
            scanner.feed(chunk)
        scanner.feed(b'1],"image":"')
        for _ in range(100):
            scanner.feed(b"x" * 50_000)
        scanner.feed(b'"}')
        scanner.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000
