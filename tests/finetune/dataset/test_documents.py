from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.documents import Documents
from finetune.dataset.values import DocumentUse


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=3)), st.integers(1, 5))
def test_each_is_counted_once_and_in_order(names: list[str], max_held: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        documents = Documents(Path(folder), max_held)
        for name in names:
            documents.add(name)
        assert list(documents) == [DocumentUse(*use) for use in sorted(Counter(names).items())]
