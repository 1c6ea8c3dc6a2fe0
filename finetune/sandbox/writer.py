"""Writing with the model: where a reply starts, how it goes on, when it ends.

Pure: the same model, prompt and random source give the same text. What a request may ask of a reply
(stop words, a token limit) is applied in chat.py.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from random import Random

from finetune.sandbox import text as text_rules
from finetune.sandbox.ngram import BOUNDARY, NgramModel

SHORTEST, LONGEST = 60, 150
_OPENINGS = 6
_PLACES_LOOKED_AT = 2_000
_FRESH_SENTENCE = 0.4
_BACK_OFF = 0.12


def write(model: NgramModel, prompt: str, source: Random) -> str:
    """A reply of about 60 to 150 words that ends where a sentence ends."""
    if not model.sentences:
        return "."
    openings = _openings(model, prompt, source)
    target = source.randint(SHORTEST, LONGEST - 40)
    tokens: list[int] = []
    ends: list[int] = []
    words = turn = 0
    while words < LONGEST:
        if not tokens or (_ended(model, tokens) and source.random() < _FRESH_SENTENCE):
            following = _first_two(model, openings[turn % len(openings)])
            turn += 1
        else:
            following = [_next(model, tokens, source)]
        if following[-1] == BOUNDARY:
            following = _first_two(model, openings[turn % len(openings)])
            turn += 1
            if not _ended(model, tokens):
                tokens.append(_full_stop(model))
        tokens.extend(token for token in following if token != BOUNDARY)
        words += sum(1 for token in following if _word(model, token).startswith(" "))
        if _ended(model, tokens):
            ends.append(len(tokens))
            if words >= target:
                break
    return _finish(model, tokens, ends)


def _finish(model: NgramModel, tokens: list[int], ends: list[int]) -> str:
    """Cut back to the last sentence end, unless that would throw most of the reply away."""
    if ends and ends[-1] * 2 >= len(tokens):
        del tokens[ends[-1] :]
    reply = text_rules.tidy(text_rules.join(_word(model, token) for token in tokens))
    return reply if reply.endswith((".", "!", "?")) else reply.rstrip(",;: -") + "."


def _word(model: NgramModel, token: int) -> str:
    return model.words[token] if token < len(model.words) else "."


def _full_stop(model: NgramModel) -> int:
    return model.id_of(".")


def _ended(model: NgramModel, tokens: list[int]) -> bool:
    if len(tokens) < 2 or not text_rules.is_terminator(_word(model, tokens[-1])):
        return False
    return not text_rules.is_enumerator(_word(model, tokens[-2]))


def _first_two(model: NgramModel, place: int) -> list[int]:
    second = model.stream[place + 1]
    return [model.stream[place]] if second == BOUNDARY else [model.stream[place], second]


def _next(model: NgramModel, tokens: list[int], source: Random) -> int:
    """One token further: by the last two where they were seen (often enough), else by the last one."""
    if len(tokens) > 1:
        pairs = model.after_pair(tokens[-2], tokens[-1])
        if pairs and source.random() < len(pairs) / (len(pairs) + _BACK_OFF):
            return model.stream[model.index[source.choice(pairs)] + 2]
    singles = model.after(tokens[-1])
    if singles:
        return model.stream[model.index[source.choice(singles)] + 1]
    return BOUNDARY


def _openings(model: NgramModel, prompt: str, source: Random) -> list[int]:
    """Sentence starts to use, those that share the rarest words with the prompt first in line."""
    scores: dict[int, float] = defaultdict(float)
    for token in _content_tokens(model, prompt):
        places = model.after(token)
        weight = math.log(len(model.stream) / len(places))
        hits = {_sentence_of(model, model.index[at]) for at in places[:_PLACES_LOOKED_AT]}
        for start in hits:
            scores[start] += weight
    best = sorted(scores, key=lambda start: (-scores[start], start))[:_OPENINGS]
    if not best:
        best = [source.choice(model.sentences) for _ in range(_OPENINGS)]
    source.shuffle(best)
    return best


def _content_tokens(model: NgramModel, prompt: str) -> list[int]:
    """The prompt's words that the model knows in some spelling, without those on every line."""
    forms = {
        form
        for token in text_rules.tokenise(prompt)
        if len(bare := token.strip()) > 3
        for form in (f" {bare}", f" {bare.lower()}", f" {bare.capitalize()}")
    }
    known = sorted(model.id_of(form) for form in forms)
    common = max(3, len(model.stream) // 100)
    return [token for token in known if 0 < len(model.after(token)) <= common]


def _sentence_of(model: NgramModel, place: int) -> int:
    return model.sentences[max(0, bisect_right(model.sentences, place) - 1)]
