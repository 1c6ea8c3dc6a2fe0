"""YAML as JSON's values: what one parser could read otherwise than its author meant is text, or refused."""

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.plain import NotPlain, load

SECRET = "sk-the-secret-of-this-file"

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=20)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(_VALUES)
def test_what_is_dumped_is_read(value: Any) -> None:
    assert load(yaml.safe_dump(value, allow_unicode=True).encode()) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("# nothing", None),
        ("\ufeffa: b", {"a": "b"}),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01", "2027-01-01"),
        ("=", "="),
        ("{a: &one {b: 1}, c: *one}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("{a: &one {b: 1, d: 2}, c: {<<: *one, b: 3}}", {"a": {"b": 1, "d": 2}, "c": {"b": 3, "d": 2}}),
    ],
)
def test_words_are_read_as_yaml_1_2_has_them(text: str, value: Any) -> None:
    assert load(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3", "a: stands twice (line 3)"),
        ("a: {b: [{c: 1, 'c': 2}]}", "a.b[0].c: stands twice (line 1)"),
        ("a:\n  12: x", "a: line 2: a name must be text; put it in quotes"),
        ("? [a]\n: b", "the file: line 1: a name must be text"),
        ("a: !!python/name:os.system x", "a: line 1: this tag is not understood"),
        ("a: !!timestamp 2027-01-01", "a: line 1: this tag is not understood"),
        ("a: !!binary aGk=", "a: line 1: this tag is not understood"),
        ("a: !!int x", "the file: has a number or a boolean that cannot be read"),
        ("a: [1", "line 1, column 6: expected"),
        ("a: 1\n---\nb: 2", "line 2, column 1: but found another document"),
        ("a: \x00", "the file: has a character that YAML does not allow"),
        ("[" * 5000, "the file: is nested too deeply"),
        ("&a [*a]", "line 1: this has itself in it"),
        ("a: &a {b: {c: *a}}", "line 1: this has itself in it"),
        ("a: &a {<<: *a}", "line 1: this has itself in it"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(NotPlain) as refusal:
        load(text.encode())
    assert words in str(refusal.value)


def levels(many: str) -> str:
    """A short file, ten times larger with each of its lines."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {many % ', '.join([f'*a{n - 1}'] * 10)}" for n in range(1, 9)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("many", "words"),
    [
        ("{<<: [%s]}", "a5: with what `<<` merges this has more than 10000 names"),
        ("[%s]", "a6: with every alias written out this has more than 1000000 values"),
    ],
)
def test_what_a_short_file_blows_up_to_is_refused_before_it_does(many: str, words: str) -> None:
    begun = time.process_time()
    with pytest.raises(NotPlain) as refusal:
        load(levels(many).encode())
    assert words in str(refusal.value)
    assert time.process_time() - begun < 2


def test_a_large_file_is_no_bomb() -> None:
    tenants = "\n".join(f"  t{n}: {{<<: *base, name: n}}" for n in range(11_000))
    assert len(load(f"base: &base {{rule: all}}\ntenants:\n{tenants}".encode())["tenants"]) == 11_000


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NotPlain, match=r"not UTF-8 \(byte 3\)"):
        load(b"a: \xff")


@pytest.mark.parametrize(
    "text",
    [
        f"api_key: *{SECRET}",
        f"api_key: !{SECRET} x",
        f"api_key: !!{SECRET} x",
        f"api_key: '{SECRET}",
        f"api_key: {SECRET}: x",
        f"api_key: {SECRET}\n  x: {SECRET}",
        f"api_key: &{SECRET}",
        f"api_key: %{SECRET}\n\t- x",
        f'api_key: "\\{SECRET}"',
        f"%{SECRET} 1\n---\na: b",
        f"%YAML {SECRET}\n---\na: b",
        f"%TAG !{SECRET}! tag:{SECRET}\n%TAG !{SECRET}! x\n---\na: b",
        f"api_key: !a!{SECRET} x",
        f"api_key: !!int {SECRET}",
        f"api_key: !!bool {SECRET}",
        f"{{api_key: {SECRET}, <<: {SECRET}}}",
    ],
)
def test_no_message_has_a_value(text: str) -> None:
    try:
        load(text.encode())
    except NotPlain as refusal:
        assert SECRET not in str(refusal)
        assert refusal.__suppress_context__ or refusal.__context__ is None
