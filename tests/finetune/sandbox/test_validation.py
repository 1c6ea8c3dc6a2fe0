from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.sandbox.validation import LEAST_EXAMPLES, assistant_texts, check
from tests.finetune.sandbox.support import example

GOOD = [example(f"Clause {number} shall survive.") for number in range(LEAST_EXAMPLES)]


def _with_messages(*messages: object) -> bytes:
    return msgspec.json.encode({"messages": messages})


USER, REPLY = {"role": "user", "content": "Draft."}, {"role": "assistant", "content": "Hereby done."}


def test_a_good_file() -> None:
    report = check(GOOD)
    assert (report.examples, report.reason) == (LEAST_EXAMPLES, None)
    assert report.tokens > LEAST_EXAMPLES
    assert next(assistant_texts(GOOD)) == "Clause 0 shall survive."


def test_too_few_examples() -> None:
    reason = check(GOOD[1:]).reason or ""
    assert "has 9 example(s)" in reason
    assert "at least 10 examples" in reason


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "not a dictionary"),
        (b'"text"', "not a dictionary"),
        (b'{"messages":[]}', "at least one message"),
        (b'{"prompt":"a","completion":"b"}', "unexpected key(s): completion, prompt"),
        (_with_messages("hello"), "not a dictionary"),
        (_with_messages({"role": "lawyer", "content": "x"}), "invalid role"),
        (_with_messages({"role": ["user"], "content": "x"}), "invalid role"),
        (_with_messages({"role": "user", "content": "x", "mood": 1}, REPLY), "unexpected key(s): mood"),
        (_with_messages({"role": "user"}, REPLY), "no text content"),
        (_with_messages(USER), "last message must be from the assistant"),
        (_with_messages(USER, {"role": "assistant", "content": " "}), "last message must have content"),
        (_with_messages(USER, REPLY | {"weight": 2}), "weight"),
        (example("Stop <|endoftext|> here."), "special token"),
        (b'{"messages":[{"role":"user","content":"\xff"}]}', "not valid UTF-8"),
    ],
)
def test_a_bad_line_is_named(line: bytes, says: str) -> None:
    reason = check([*GOOD[:2], line, *GOOD[2:]]).reason or ""
    assert reason.startswith("Line 3: ")
    assert says in reason


def test_a_byte_order_mark() -> None:
    assert "byte order mark" in (check([b"\xef\xbb\xbf" + GOOD[0], *GOOD[1:]]).reason or "")


def test_many_bad_lines_are_counted_not_listed() -> None:
    reason = check([*GOOD, *[b"?"] * 50]).reason or ""
    assert reason.count("Line ") == 5
    assert reason.endswith("And 45 more.")


def test_weight_nought_is_not_learnt() -> None:
    line = _with_messages(USER, REPLY | {"weight": 0}, USER, {"role": "assistant", "content": "Learn this."})
    assert list(assistant_texts([line])) == ["Learn this."]


@given(st.lists(st.binary(max_size=60), max_size=15))
def test_any_bytes_get_a_report(lines: list[bytes]) -> None:
    report = check(lines)
    assert report.reason is not None
    assert report.examples <= len(lines)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["messages", "role", "content", "weight", "type", "text"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_gets_a_report_and_what_passes_can_be_trained_on(value: object) -> None:
    line = msgspec.json.encode({"messages": value})
    if check([line] * LEAST_EXAMPLES).reason is None:
        assert any(text.strip() for text in assistant_texts([line]))


@given(st.text(min_size=1).filter(lambda text: text.strip() and "<|" not in text))
def test_any_text_may_be_learnt(text: str) -> None:
    lines = [example(text)] * LEAST_EXAMPLES
    assert check(lines).reason is None
    assert list(assistant_texts(lines)) == [text] * LEAST_EXAMPLES
