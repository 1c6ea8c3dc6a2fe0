"""Whether a store's history is the continuation of what somebody knows: a table, and the chain's links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.marks import FIELDS, Mark, Meta, Relation, follows, parse_meta, relation

KNOWN = Mark("e1", 17, "t17")


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (Meta(Mark("e1", 17, "t17")), Relation.CONTINUES),
        (Meta(Mark("e1", 18, "t18")), Relation.CONTINUES),
        (Meta(Mark("e1", 16, "t16")), Relation.DIVERGED),  # a backup, or a write that a failover lost
        (Meta(Mark("e1", 17, "other")), Relation.DIVERGED),  # another change took the lost one's number
        (Meta(Mark("e2", 17, "t17")), Relation.DIVERGED),
        (Meta(Mark("e2", 500, "t500")), Relation.DIVERGED),  # another store altogether
        (Meta(Mark()), Relation.DIVERGED),  # emptied
        (Meta(Mark("e2", 18, "t18"), None, frozenset({"e1"})), Relation.ACCEPTED),
        (Meta(Mark("e3", 2, "t2"), None, frozenset({"e2", "e1"})), Relation.ACCEPTED),
        (Meta(Mark("e3", 18, "t18"), None, frozenset({"e2"})), Relation.DIVERGED),
        (Meta(Mark("e1", 17, "t17"), 20), Relation.CONTINUES),  # somebody else knows more
    ],
)
def test_what_a_store_is_to_somebody_at_revision_17(store: Meta, expected: Relation) -> None:
    assert relation(KNOWN, store) is expected


@given(st.integers(0, 99), st.sampled_from(["", "e"]))
def test_to_somebody_who_knows_nothing_every_store_is_a_continuation(revision: int, epoch: str) -> None:
    assert relation(Mark(), Meta(Mark(epoch, revision, "t"))) is Relation.CONTINUES


@pytest.mark.parametrize(
    ("known", "entry", "after"),
    [
        (Mark(), b"e1 - t1", Mark("e1", 1, "t1")),
        (Mark("e1", 0, ""), b"e1 - t1", Mark("e1", 1, "t1")),
        (Mark("e1", 0, "t0"), b"e1 t0 t1", Mark("e1", 1, "t1")),
        (Mark("e1", 0, "t0"), b"e1 other t1", None),
        (Mark("e1", 0, "t0"), b"e1 - t1", None),
        (Mark("e1", 0, "t0"), b"e2 t0 t1", None),
    ],
)
def test_a_change_names_the_one_before_it(known: Mark, entry: bytes, after: Mark | None) -> None:
    assert follows(known, entry, 1) == after


def test_what_the_store_says_of_itself() -> None:
    assert parse_meta([None] * len(FIELDS)) == Meta()
    values = [b"e2", b"18", b"t18", b"17", b" e1  e0 ", b" e5"]
    assert parse_meta(list(values)) == Meta(Mark("e2", 18, "t18"), 17, frozenset({"e0", "e1"}), frozenset({"e5"}))
