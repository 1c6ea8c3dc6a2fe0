from __future__ import annotations

import time
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from finetune.sandbox import curve, writer
from finetune.sandbox.ngram import BOUNDARY, MAX_TOKENS, train
from finetune.sandbox.text import tokenise
from tests.finetune.sandbox.support import CLAUSES


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing


def test_counts_what_follows_a_pair() -> None:
    model = train(["The cat sat down. The cat ran off. The dog sat down."])
    the, cat = model.id_of(" The"), model.id_of(" cat")
    followers = [model.words[model.stream[model.index[at] + 2]] for at in model.after_pair(the, cat)]
    assert sorted(followers) == [" ran", " sat"]
    assert len(model.after(the)) == 3
    assert not model.after_pair(cat, the)


def test_nothing_is_learnt_across_two_texts() -> None:
    model = train(["One ends here", "Another begins"])
    after_here = [model.stream[model.index[at] + 1] for at in model.after(model.id_of(" here"))]
    assert after_here == [BOUNDARY]


@given(st.lists(st.text(max_size=80), max_size=6), st.text(max_size=40), st.integers())
def test_writes_something_finite_whatever_it_was_trained_on(texts: list[str], prompt: str, seed: int) -> None:
    reply = writer.write(train(texts), prompt, seeded(seed))
    assert reply
    assert reply == reply.strip()
    assert reply[-1] in ".!?"
    assert len(reply.split()) <= 2 * writer.LONGEST


@given(st.lists(st.text(max_size=80), max_size=6))
def test_the_index_is_the_stream_sorted(texts: list[str]) -> None:
    model = train(texts)
    assert sorted(model.index) == list(range(len(model.stream)))
    for token in range(1, len(model.words)):
        following = [model.stream[model.index[at] + 1] for at in model.after(token)]
        assert following == sorted(following)


def test_writes_of_what_was_asked() -> None:
    filler = [f"Item {number} is stored in room {number} of the old house." for number in range(100)]
    model = train([*filler, "The Guarantor shall pay the premium on demand."])
    openings = [writer.write(model, "What does the guarantor pay?", seeded(seed)) for seed in range(5)]
    assert all(reply.startswith("The Guarantor") for reply in openings)


def test_training_sees_the_loss_fall() -> None:
    model = train(CLAUSES * 5)
    points = curve.measure(model, curve.training_sample(model))
    assert points is not None
    assert points[-1][0] < points[0][0] / 2
    assert points[-1][1] > points[0][1]
    unseen = curve.measure(model, curve.sample_of(model, ["A wholly different remark about the weather."]))
    assert unseen is not None
    assert unseen[-1][0] > points[-1][0]


def test_a_large_file_trains_fast_and_within_bounds() -> None:
    source = seeded(1)
    words = [f"word{number}" for number in range(5_000)]
    texts = [" ".join(source.choices(words, k=200)) + "." for _ in range(1_000)]
    began = time.process_time()
    model = train(texts)
    assert time.process_time() - began < 3
    assert len(model.stream) > 200_000
    assert len(train(texts * 3).stream) <= MAX_TOKENS + 1


@given(st.text())
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokenise(text)).strip() == " ".join(text.split())
