from __future__ import annotations

from pathlib import Path

import numpy as np

from finetune.dataset.passages import Matter, Passage, find_passage
from finetune.dataset.signatures import PLACES, bare_words, signature
from finetune.dataset.spool import Spool
from tests.finetune.dataset.texts import LEGALESE, PLAIN, clause


def matters() -> list[Matter]:
    passages = [find_passage(text, 100, 8000) for text in (LEGALESE, PLAIN, clause(3))]
    return [
        Matter(f"é:{number}", "deed", f"{number:064}", passage)
        for number, passage in enumerate(passages)
        if isinstance(passage, Passage)
    ]


def test_what_went_in_comes_out_in_order_as_often_as_wanted(tmp_path: Path) -> None:
    spool, given = Spool(tmp_path), matters()
    for number, matter in enumerate(given):
        spool.append(matter, 2**64 - 1 - number, signature(bare_words(matter.passage.text)))
    assert len(spool) == 3
    for wanted in ([True, True, True], [False, True, False], [True, False, True], [False, False, False]):
        assert list(spool.matters(wanted)) == [one for one, want in zip(given, wanted, strict=True) if want]
    assert spool.keys.tolist() == [2**64 - 1, 2**64 - 2, 2**64 - 3]
    assert spool.signatures().tolist() == [signature(bare_words(one.passage.text)).tolist() for one in given]


def test_an_empty_one_is_no_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert np.shape(spool.signatures()) == (0, PLACES)
    assert list(spool.matters([])) == []
