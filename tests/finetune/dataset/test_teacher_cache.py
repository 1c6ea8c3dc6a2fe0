from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset import teacher_cache
from finetune.dataset.teacher_cache import TeacherCache, decode_segment, encode_segment


def key(number: int) -> bytes:
    return number.to_bytes(16)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def opened(folder: Path) -> closing[TeacherCache]:
    cache = TeacherCache(str(folder))
    cache.refresh()
    return closing(cache)


def filled(folder: Path, answers: dict[int, str]) -> None:
    with opened(folder) as cache:
        for number, answer in answers.items():
            cache.put(key(number), answer)
        cache.flush()


def test_what_was_flushed_is_there_for_the_next_one(tmp_path: Path) -> None:
    with opened(tmp_path / "deep" / "folder") as cache:
        cache.put(key(1), "one, “é” and \ud800")
        cache.flush()
        cache.put(key(2), "two")
        assert cache.get(key(2)) == "two"
    with opened(tmp_path / "deep" / "folder") as cache:
        assert cache.get(key(1)) == "one, “é” and ?"
        assert key(1) in cache
        assert key(2) not in cache
        assert cache.get(key(2)) is None


def test_some_hundreds_are_flushed_together(tmp_path: Path) -> None:
    with opened(tmp_path) as cache:
        for number in range(teacher_cache.FLUSH_ANSWERS * 2 + 5):
            cache.put(key(number), "answer")
            assert len(segments(tmp_path)) == (number + 1) // teacher_cache.FLUSH_ANSWERS
        cache.flush()
        cache.flush()
    assert len(segments(tmp_path)) == 3


def test_few_are_flushed_when_they_have_waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as cache:
        cache.flush_due()
        cache.put(key(1), "answer")
        cache.flush_due()
        assert segments(tmp_path) == []
        monkeypatch.setattr(teacher_cache, "FLUSH_SECONDS", 0.0)
        cache.flush_due()
        cache.flush_due()
    assert len(segments(tmp_path)) == 1


def test_what_another_writes_is_seen_with_the_next_refresh(tmp_path: Path) -> None:
    with opened(tmp_path) as cache:
        filled(tmp_path, {1: "one"})
        assert key(1) not in cache
        cache.refresh()
        assert cache.get(key(1)) == "one"


def test_of_two_answers_the_same_one_counts_in_any_order(tmp_path: Path) -> None:
    answers = ["b", "a", "c", "ab"]
    for order in itertools.permutations(answers):
        folder = tmp_path / "".join(order)
        for answer in order:
            filled(folder, {1: answer})
        with opened(folder) as cache:
            assert cache.get(key(1)) == "a"


@pytest.mark.parametrize("cut", [0, 1, 10, 40, -1])
def test_a_torn_segment_is_passed_over(tmp_path: Path, cut: int) -> None:
    filled(tmp_path, {1: "one", 2: "two"})
    [torn] = segments(tmp_path)
    torn.write_bytes(torn.read_bytes()[:cut])
    filled(tmp_path, {3: "three"})
    with opened(tmp_path) as cache:
        assert [cache.get(key(number)) for number in (1, 2, 3)] == [None, None, "three"]


def test_what_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path, {1: "one"})
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / "odd.answers").write_bytes(bytes(range(256)))
    with opened(tmp_path) as cache:
        assert cache.get(key(1)) == "one"


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with opened(tmp_path / "file" / "folder") as cache:
        (tmp_path / "file").write_text("in the way")
        cache.put(key(1), "one")
        with pytest.raises(OSError, match="file"):
            cache.flush()
        (tmp_path / "file").unlink()
        cache.flush()
    with opened(tmp_path / "file" / "folder") as cache:
        assert cache.get(key(1)) == "one"


def test_a_local_copy_that_fails_is_told_as_a_file_would(tmp_path: Path) -> None:
    cache = TeacherCache(str(tmp_path))
    cache.close()
    with pytest.raises(OSError, match="local copy"):
        cache.get(key(1))


_ANSWERS = st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.binary(max_size=60)), max_size=5)


@given(_ANSWERS)
def test_a_segment_comes_back_as_it_went(answers: list[tuple[bytes, bytes]]) -> None:
    assert decode_segment(encode_segment(answers)) == answers


@given(_ANSWERS, st.data())
def test_a_segment_with_any_byte_changed_is_none(answers: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    whole = bytearray(encode_segment(answers))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    assert decode_segment(bytes(whole)) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_a_segment_or_none(data: bytes) -> None:
    assert decode_segment(data) is None
