"""The sandbox's language model: word-level, order 3, backing off to 2 and 1.

It keeps the token stream itself and an index of positions, grouped by token and sorted by what
follows; the successors of a word or a pair are then a slice. That is a few bytes a token, where a
dictionary of counts would take hundreds. Writing text with it is writer.py's, measuring it curve.py's.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from finetune.sandbox import text as text_rules

BOUNDARY = 0
"""The token between two training texts; nothing is learnt across it."""
MAX_TOKENS = 400_000


class NgramModel:
    """A trained model. Never changed after `train` made it, so any number of requests may read it."""

    __slots__ = ("_ids", "_offsets", "index", "sentences", "stream", "words")

    def __init__(self, words: Sequence[str], stream: array[int]) -> None:
        self.words = words
        self.stream = stream
        self._ids = {word: number for number, word in enumerate(words)}
        self._offsets, self.index = _index(stream, len(words))
        self.sentences = _sentence_starts(words, stream)

    def id_of(self, word: str) -> int:
        """The token's number; a word never seen has the number after the last."""
        return self._ids.get(word, len(self.words))

    def after(self, first: int) -> range:
        """Where in `index` the places of a token stand."""
        if first >= len(self.words):
            return range(0)
        return range(self._offsets[first], self._offsets[first + 1])

    def after_pair(self, first: int, second: int) -> range:
        """Where in `index` the places of two tokens in a row stand."""
        places = self.after(first)
        if first == BOUNDARY or not places:
            return range(0)
        low, high = places.start, places.stop
        return range(
            bisect_left(self.index, second, low, high, key=self._next),
            bisect_right(self.index, second, low, high, key=self._next),
        )

    def _next(self, place: int) -> int:
        return self.stream[place + 1]


def train(texts: Iterable[str], max_tokens: int = MAX_TOKENS) -> NgramModel:
    """A model of these texts. Reads no more than `max_tokens`: memory stays bounded whatever is uploaded."""
    words: list[str] = ["\n"]
    ids: dict[str, int] = {}
    stream = array("I", [BOUNDARY])
    for one in texts:
        for token in text_rules.tokenise(text_rules.prose(one)):
            number = ids.get(token)
            if number is None:
                number = ids[token] = len(words)
                words.append(token)
            stream.append(number)
        stream.append(BOUNDARY)
        if len(stream) >= max_tokens:
            break
    del stream[max_tokens:]
    if stream[-1] != BOUNDARY:
        stream.append(BOUNDARY)
    return NgramModel(words, stream)


def _index(stream: array[int], size: int) -> tuple[array[int], array[int]]:
    """Positions grouped by token (offsets, positions), each group sorted by the token that follows.

    Sorted group by group and not all at once: one long sort would hold the interpreter lock.
    """
    buckets: list[array[int]] = [array("I") for _ in range(size)]
    for place, token in enumerate(stream):
        buckets[token].append(place)
    offsets, index = array("I", [0]), array("I")
    for token, bucket in enumerate(buckets):
        index.extend(bucket if token == BOUNDARY else sorted(bucket, key=lambda place: stream[place + 1]))
        offsets.append(len(index))
    return offsets, index


def _sentence_starts(words: Sequence[str], stream: array[int]) -> array[int]:
    """Places where a sentence begins, in order."""
    ends = [text_rules.is_terminator(word) for word in words]
    opens = [text_rules.opens_sentence(word) for word in words]
    numbers = [text_rules.is_enumerator(word) for word in words]
    starts = array("I")
    for place in range(1, len(stream)):
        before = stream[place - 1]
        if stream[place] == BOUNDARY:
            continue
        if before == BOUNDARY or (ends[before] and opens[stream[place]] and not numbers[stream[place - 2]]):
            starts.append(place)
    return starts
