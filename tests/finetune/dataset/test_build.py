from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter as Multiset
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.dataset import BuildSettings, DatasetMissing, read_examples, read_manifest
from finetune.dataset.artifacts import FILES, TRAIN, VALIDATION
from finetune.dataset.build import MIN_TRAINING_EXAMPLES, build
from finetune.dataset.clusters import BANDS
from finetune.dataset.count import Counter, estimate_tokens
from finetune.dataset.passages import Matter
from finetune.dataset.redact import Redacted, placeholders
from finetune.dataset.values import Example, Kind, Side
from finetune.dataset.writers import RulesWriter
from finetune.vaults.base import BadRecord, Chunk, VaultUnreadable
from tests.finetune.dataset.texts import CONTENTS, LEGALESE, PLAIN, SIGNATURES, TABLE, chunk, clause, vault


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def turns(folder: Path, name: str = TRAIN) -> list[tuple[str, str]]:
    pairs = []
    for line in (folder / name).read_text("utf-8").splitlines():
        [user, assistant] = json.loads(line)["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        pairs.append((user["content"], assistant["content"]))
    return pairs


def test_the_summary_says_what_was_done(tmp_path: Path) -> None:
    records: list[Chunk | BadRecord] = [*vault(40), chunk(LEGALESE, 1, "failed"), BadRecord("a.jsonl:22", "not_json")]
    summary = build(records, str(tmp_path))
    train, validation = (tmp_path / TRAIN).read_bytes(), (tmp_path / VALIDATION).read_bytes()
    assert summary.chunks == 40
    assert summary.examples == len(turns(tmp_path)) == train.count(b"\n") >= 90
    assert summary.validation_examples == validation.count(b"\n") >= 6
    assert (summary.sha256, summary.training_bytes) == (sha256(train).hexdigest(), len(train))
    assert (summary.validation_sha256, summary.validation_bytes) == (sha256(validation).hexdigest(), len(validation))
    assert summary.skipped["not_ready"] == 1
    assert summary.skipped["bad_record"] == 1
    for name, tokens in ((TRAIN, summary.tokens), (VALIDATION, summary.validation_tokens)):
        pairs = turns(tmp_path, name)
        assert tokens == sum(estimate_tokens(user) + estimate_tokens(assistant) + 11 for user, assistant in pairs)


def test_the_manifest_says_what_it_was_made_from(tmp_path: Path) -> None:
    chunks = vault(12)
    records: list[Chunk | BadRecord] = [*chunks, chunk(SIGNATURES, 99), BadRecord("a.jsonl:14", "not_json")]
    summary = build(records, str(tmp_path))
    manifest = read_manifest(str(tmp_path))
    assert manifest.summary == summary
    made_of = [(one.chunk_id, one.document_id, one.sha256) for one in manifest.chunks]
    assert made_of == [(one.chunk_id, one.document_id, sha256(one.text.encode()).hexdigest()) for one in chunks]
    assert sum(manifest.examples_per_kind.values()) == summary.examples
    assert sum(manifest.validation_per_kind.values()) == summary.validation_examples
    assert sum(one.examples for one in manifest.chunks) == summary.examples + summary.validation_examples
    assert set(manifest.examples_per_kind) == {"rephrase-as", "summarize-this", "extract-clauses"}
    assert (manifest.bad_records, manifest.bad_record_places) == ({"not_json": 1}, ["a.jsonl:14 not_json"])
    assert (manifest.counted_by, manifest.settings) == ("estimate", BuildSettings())
    assert "%" in (manifest.count_error or "")
    assert read_manifest(str(tmp_path), with_chunks=False).chunks == []


def test_tokens_are_counted_by_whom_one_likes(tmp_path: Path) -> None:
    summary = build(vault(12), str(tmp_path), counter=Counter("characters", None, len))
    assert summary.tokens == sum(len(user) + len(assistant) + 11 for user, assistant in turns(tmp_path))
    manifest = read_manifest(str(tmp_path), with_chunks=False)
    assert (manifest.counted_by, manifest.count_error) == ("characters", None)


def test_only_ready_chunks_are_trained_on(tmp_path: Path) -> None:
    chunks = [chunk(LEGALESE, 1, "processing"), chunk(PLAIN, 2, "failed"), chunk(PLAIN, 3, "READY")]
    summary = build(chunks, str(tmp_path))
    assert (summary.chunks, summary.examples) == (0, 0)
    assert bytes_of(tmp_path)[TRAIN] == b""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too short.", "too_short"),
        (CONTENTS, "table_of_contents"),
        (SIGNATURES, "signature_block"),
        (TABLE, "table"),
        ("so much of the fruit as the Owner may direct and " * 5, "fragment"),
        (f"{LEGALESE}\n\n" * 150, "too_long"),
    ],
)
def test_skips_are_counted_by_reason(tmp_path: Path, text: str, reason: str) -> None:
    summary = build([chunk(text)], str(tmp_path), settings=BuildSettings(min_chars=60))
    assert summary.skipped == {reason: 1}
    assert summary.examples == 0


def test_the_same_words_are_learnt_once(tmp_path: Path) -> None:
    alike = [chunk(LEGALESE, 1), chunk(LEGALESE.replace(" shall,", "\u00a0  SHALL"), 2), chunk(PLAIN, 3)]
    summary = build(alike, str(tmp_path))
    assert summary.skipped["duplicate"] == 1
    answers = [assistant for _, assistant in turns(tmp_path)]
    assert answers.count(LEGALESE) == 1


def test_a_clause_that_two_documents_share_answers_once_of_a_kind(tmp_path: Path) -> None:
    shared = LEGALESE.split("\n\n")[3]
    chunks = [chunk(f"{LEGALESE.split(chr(10) * 2)[number]}\n\n{shared}", number) for number in (1, 2)]
    summary = build(chunks, str(tmp_path))
    assert summary.skipped["repeated_answer"] >= 1
    kept = [(one.kind, one.assistant) for one in read_examples(str(tmp_path), limit=100)]
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize("side", ["training", "validation"])
def test_extraction_is_kept_to_a_third_at_every_point(tmp_path: Path, side: str) -> None:
    build(vault(60), str(tmp_path), settings=BuildSettings(rephrase_per_chunk=0))
    kinds = [one.kind for one in read_examples(str(tmp_path), limit=1000) if one.side == side]
    assert "extract-clauses" in kinds
    for end in range(1, len(kinds) + 1):
        assert kinds[:end].count("extract-clauses") * 3 <= end
    assert read_manifest(str(tmp_path)).summary.skipped["extract_share"] > 0


def test_a_full_file_takes_no_more(tmp_path: Path) -> None:
    summary = build(vault(30), str(tmp_path), settings=BuildSettings(max_file_bytes=20_000))
    assert (tmp_path / TRAIN).stat().st_size <= 20_000
    assert summary.skipped["file_full"] > 0
    assert summary.chunks == 30
    assert len(read_manifest(str(tmp_path)).chunks) < 30


def test_no_turn_is_over_the_limit(tmp_path: Path) -> None:
    text = "\n\n".join(one.text for one in vault(20))
    build([chunk(text)], str(tmp_path), settings=BuildSettings(max_turn_chars=1500))
    pairs = turns(tmp_path)
    assert pairs
    assert max(len(turn) for pair in pairs for turn in pair) <= 1500


def test_the_sample_is_fair_bounded_and_in_order(tmp_path: Path) -> None:
    summary = build(vault(60), str(tmp_path), settings=BuildSettings(sample_size=30))
    kept = read_examples(str(tmp_path), limit=100)
    assert len(kept) == 30
    assert len(read_examples(str(tmp_path), limit=5)) == 5
    pairs = turns(tmp_path)
    kept = [one for one in kept if one.side == "training"]
    places = [pairs.index((one.user, one.assistant)) for one in kept]
    assert places == sorted(places)
    assert places[0] < summary.examples / 3
    assert places[-1] > summary.examples * 2 / 3


def test_the_same_chunks_make_the_same_bytes(tmp_path: Path) -> None:
    first = build(vault(15), str(tmp_path / "one"))
    assert build(vault(15), str(tmp_path / "two")) == first
    before = bytes_of(tmp_path / "one")
    assert bytes_of(tmp_path / "two") == before
    assert build(vault(15), str(tmp_path / "one")) == first
    assert bytes_of(tmp_path / "one") == before


def test_the_bytes_do_not_hang_on_the_process(tmp_path: Path) -> None:
    code = (
        "import sys; from finetune.dataset.build import build; from tests.finetune.dataset.texts import vault;"
        "build([*vault(40), *vault(15)], sys.argv[1])"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            check=True,
        )
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2")


def test_the_bytes_do_not_hang_on_what_was_near(tmp_path: Path) -> None:
    """A near-duplicate that goes leaves no trace but its count."""
    summaries = [build(chunks, str(tmp_path / name)) for name, chunks in (("one", vault(20)), ("two", _with_twins()))]
    assert summaries[1].skipped["near_duplicate"] == 5
    assert (tmp_path / "one" / TRAIN).read_bytes() == (tmp_path / "two" / TRAIN).read_bytes()


def _with_twins() -> list[Chunk]:
    """What a firm does with last year's contract."""
    return [*vault(20), *(chunk(clause(number) + " The Keeper agrees.", 100 + number) for number in range(1, 6))]


def _prose(seed: int) -> str:
    """Sentences of invented words that no other seed has."""
    digits = str.maketrans("0123456789", "aeioubcdfg")
    words = [f"w{seed}x{number}".translate(digits) for number in range(60)]
    return "".join(f"The Keeper shall {' '.join(words[start : start + 12])}. " for start in range(0, 60, 12))


def test_chunks_that_are_nearly_the_same_are_on_one_side(tmp_path: Path) -> None:
    families = [
        chunk(f"{_prose(number)} {_prose(100 * more + number)[:150]}.", 100 * more + number)
        for more in (1, 2, 3)
        for number in range(40)
    ]
    build(families, str(tmp_path))
    sides: dict[int, set[str]] = {}
    sizes: Multiset[int] = Multiset()
    for one in read_manifest(str(tmp_path)).chunks:
        sides.setdefault(one.cluster, set()).add(one.side)
        sizes[one.cluster] += 1
    assert set(sizes.values()) == {3}
    assert {len(side) for side in sides.values()} == {1}
    assert {side for both in sides.values() for side in both} == {"training", "validation"}


class _Repeating(RulesWriter):
    """Has the same answer once for training and, as of another kind, once for validation."""

    def __init__(self, sides: dict[str, Side]) -> None:
        super().__init__(BuildSettings())
        self._sides = sides

    def pairs(self, matter: Matter) -> Iterator[Example | str]:
        yield from super().pairs(matter)
        kind: Kind = "rephrase-as" if self._sides[matter.chunk_id] == "training" else "summarize-this"
        yield Example(kind, matter.chunk_id, matter.document_id, "What is said?", "All fruit is the Owner's.")


def test_nothing_is_validated_on_that_is_trained_on(tmp_path: Path) -> None:
    build(vault(60), str(tmp_path))
    sides = {one.chunk_id: one.side for one in read_manifest(str(tmp_path)).chunks}
    build(vault(60), str(tmp_path), writer=_Repeating(sides))
    trained, validated = ([assistant for _, assistant in turns(tmp_path, name)] for name in (TRAIN, VALIDATION))
    assert validated
    assert not set(trained) & set(validated)
    assert (trained + validated).count("All fruit is the Owner's.") == 1


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 12])
def test_validation_leaves_enough_to_train_on(tmp_path: Path, size: int) -> None:
    summary = build(vault(size), str(tmp_path))
    whole = build(vault(size), str(tmp_path / "whole"), settings=BuildSettings(validation_share=0))
    assert (whole.validation_examples, whole.validation_bytes) == (0, 0)
    if summary.validation_examples:
        assert summary.examples >= MIN_TRAINING_EXAMPLES
    else:
        assert summary.examples == whole.examples < MIN_TRAINING_EXAMPLES + 4
    assert (size < 4) == (summary.validation_examples == 0)


class _Numbered:
    """Redacts the name of the fruit."""

    def redact(self, text: str, document_id: str) -> Redacted:  # noqa: ARG002 - the protocol's
        return Redacted(text.replace("apples", "[COMPANY_1]"), {"COMPANY": text.count("apples")})


def test_what_is_redacted_is_counted_and_shown(tmp_path: Path) -> None:
    chunks = vault(30)
    build(chunks, str(tmp_path), redactor=_Numbered())
    assert read_manifest(str(tmp_path)).redactions == {"COMPANY": sum(one.text.count("apples") for one in chunks)}
    for one in read_examples(str(tmp_path), limit=100):
        assert "apples" not in one.user + one.assistant
        assert one.redacted == ({"COMPANY": 1} if "[COMPANY_1]" in one.user + one.assistant else {})
        assert placeholders(one.assistant) <= placeholders(one.user)


class _Careless:
    """A writer who gives a placeholder to the assistant alone, and something that would not fit."""

    def prepare(self, matters: Callable[[], Iterator[Matter]], total: int, progress: Callable[[int], None]) -> None:
        self.prepared = [sum(1 for _ in matters()) for _ in range(2)] + [total]
        progress(total)

    def pairs(self, matter: Matter) -> Iterator[Example | str]:
        for user, assistant in (("[DATE_1]", matter.passage.text), ("Hello", "[DATE_1] it was."), ("x" * 9000, "y")):
            yield Example("rephrase-as", matter.chunk_id, matter.document_id, user, assistant)
        yield "numbers_lost"


def test_another_writer_is_asked_and_checked(tmp_path: Path) -> None:
    writer, told = _Careless(), list[tuple[str, int, int | None]]()
    summary = build(_with_twins(), str(tmp_path), lambda *told_of: told.append(told_of), writer=writer)
    assert writer.prepared == [20, 20, 20]
    assert ("teaching", 20, 20) in told
    assert summary.examples + summary.validation_examples == 20
    assert summary.skipped == {"near_duplicate": 5, "placeholder": 20, "too_long": 20, "numbers_lost": 20}


def test_a_teacher_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="teacher"):
        build(vault(12), str(tmp_path), settings=BuildSettings(writer="teacher"))


def test_progress_is_told_of_every_stage(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    build([*vault(250), *vault(50)], str(tmp_path), lambda *told_of: told.append(told_of))
    assert told[:4] == [("reading", 100, None), ("reading", 200, None), ("reading", 300, None), ("reading", 300, 300)]
    assert told[4 : 4 + BANDS] == [("clustering", done, BANDS) for done in range(1, BANDS + 1)]
    left = told[-1][2]
    assert told[4 + BANDS :] == [("teaching", 0, left), *(("writing", done, left) for done in (0, 100, 200, left))]


class _Stop(BaseException):
    """What a cancelled build is ended with."""


@settings(max_examples=25)
@given(st.integers(0, 4 + BANDS + 4))
def test_what_progress_raises_ends_the_build_at_any_point(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    folder = tmp_path_factory.mktemp("set")
    left = at

    def stop(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Stop

    with _temporary_files_in(folder / "temporary"), pytest.raises(_Stop):
        build([*vault(250), *vault(50)], str(folder / "out"), stop)
    assert not (folder / "out").exists()
    assert list((folder / "temporary").iterdir()) == []


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def test_a_source_that_breaks_leaves_the_old_data_set(tmp_path: Path) -> None:
    build(vault(15), str(tmp_path))
    before = bytes_of(tmp_path)

    def breaking() -> Iterator[Chunk]:
        yield from vault(5)
        raise VaultUnreadable("the disk is gone", "a.jsonl:6")

    with pytest.raises(VaultUnreadable):
        build(breaking(), str(tmp_path))
    assert bytes_of(tmp_path) == before


_KILLED = """
import io, sys
from finetune.dataset.build import build
from finetune.dataset.artifacts import FILES, Staging
from tests.finetune.dataset.texts import vault

class Endless(io.BytesIO):
    def read(self, size):
        print("writing", flush=True)
        return b"{}"

with Staging(sys.argv[1]) as staging:
    for name in FILES:
        staging.bring(name, Endless() if name == FILES[-1] else io.BytesIO(b"{}"))
    staging.publish()
"""


@pytest.mark.parametrize("built_before", [False, True])
def test_killed_in_the_middle_it_leaves_nothing_or_the_old_whole(tmp_path: Path, built_before: bool) -> None:
    if built_before:
        build(vault(15), str(tmp_path))
    before = bytes_of(tmp_path) if built_before else {}
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.glob("*.partial"))
    if built_before:
        assert bytes_of(tmp_path) == before
    else:
        assert not {path.name for path in tmp_path.iterdir()} & set(FILES)
        with pytest.raises(DatasetMissing):
            read_manifest(str(tmp_path))
    build(vault(15), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), max_size=8))
def test_any_vault_is_built_and_adds_up(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("set")
    chunks = [chunk(text, number) for number, text in enumerate([*texts, LEGALESE, PLAIN])]
    summary = build(chunks, str(folder))
    assert summary.chunks == len(chunks)
    assert summary.examples == len(turns(folder)) >= 3
    assert summary.examples + summary.validation_examples >= 6
    assert len(read_manifest(str(folder)).chunks) <= len(chunks)
