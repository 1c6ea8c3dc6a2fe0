from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.values import Example
from finetune.dataset.writing import encode_example


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_a_line_comes_back_as_it_went(user: str, assistant: str) -> None:
    line = encode_example(Example("rephrase-as", "deed:1", "deed", user, assistant))
    assert b"\n" not in line
    assert json.loads(line) == {
        "messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    }
