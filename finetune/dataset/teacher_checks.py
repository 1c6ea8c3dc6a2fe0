"""A teacher's answer → what may be used of it, or the reason why nothing may. Pure; the same answer, the same verdict.

What surrounds the text (greetings, fences, offers of more help) is taken away. A text that lost or added a fact,
declined, broke off or only repeated is not mended, however good it is otherwise.
"""

import re
import unicodedata
from collections.abc import Iterator

from finetune.dataset.neutral import similarity
from finetune.dataset.pairs import TOO_SIMILAR
from finetune.dataset.redact import placeholders
from finetune.dataset.sentences import is_whole
from finetune.dataset.teacher_facts import (
    hinted_numbers,
    missing_terms,
    months,
    named_months,
    numbers,
    terms,
    without_list_numbers,
)
from finetune.dataset.teacher_prompts import Question, Task

OUTLINE_TOO_SIMILAR = 0.5
"""As TOO_SIMILAR, of notes: above it they are the text with a few words left out."""

_LENGTHS: dict[Task, tuple[float, float]] = {"restate": (0.35, 2.5), "outline": (0.08, 0.9)}
"""The least and the most of the firm's text, in characters."""

_DROPPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*\n(.*?)\n?```", re.DOTALL)
_TAGGED = re.compile(r"<text>\s*(.*?)\s*</text>", re.DOTALL)
_ITS_WORK = "(?:text|version|passage|wording|words|draft|restate(?:d|ment)|rewritten|rephrased|outline|notes|points)"
_LEAD = re.compile(
    rf"\W*(?:(?:sure|certainly|of course|okay|ok|absolutely|got it|no problem|gladly|happy to help)\b[^\n]{{0,160}}"
    rf"|(?:here|below|the following)(?:['\u2019]s| is| are)\b[^\n]{{0,120}}\b{_ITS_WORK}\b[^\n]{{0,80}}"
    rf"|(?:the )?(?:restated|rewritten|rephrased|revised|neutral|plain)[^\n]{{0,40}} {_ITS_WORK}[^\n]{{0,40}}"
    rf"|{_ITS_WORK}|output|result|answer)[:.!]\W*\n\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\W*(?:(?:please )?let me know (?:if|whether)|i hope (?:this|that)|hope (?:this|that) helps"
    r"|feel free to (?:ask|let|reach)|if you(?:['\u2019]d| would) like (?:me|another|a different)|would you like me"
    r"|i(?:['\u2019]ve| have) (?:kept|restated|rewritten|rephrased)|note: i\b)",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\W*(?:(?:i['\u2019]m|i am) (?:very |really |so )?sorry|sorry,|my apologies|i apologi[sz]e|as an ai\b"
    r"|(?:unfortunately, )?i (?:can['\u2019]t|cannot|can not|won['\u2019]t|will not|am unable|am not able)\b"
    r"|i (?:do not|don['\u2019]t) have|i['\u2019]m (?:unable|not able)|this request (?:violates|goes against))",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "“": "”", "'": "'"}


def judge(question: Question, answer: str, max_chars: int) -> tuple[str, str]:
    """The text to use and no reason; or no text, and why. `max_chars`: what a turn has room for."""
    text = tidy(answer, question.text)
    reason = next(_faults(question, text, max_chars), "")
    return ("", f"teacher_{reason}") if reason else (text, "")


def tidy(answer: str, firm: str) -> str:
    """The answer without what stands around the text. What `firm`, the firm's own, has too is left alone."""
    text = unicodedata.normalize("NFC", _DROPPED.sub("", answer.replace("\r\n", "\n")))
    text = _THOUGHT.sub("", text).strip()
    if (lead := _LEAD.match(text)) and not _LEAD.match(f"{firm}\n"):
        text = text[lead.end() :]
    text = _without_offers(text, firm)
    for wrapping in (_FENCED, _TAGGED):
        if wrapped := wrapping.fullmatch(text.strip()):
            text = wrapped[1]
    return _unquoted(text.replace("**", ""), firm).strip()


def _without_offers(text: str, firm: str) -> str:
    if _TAIL.match(firm.rpartition("\n")[2]):
        return text
    while _TAIL.match(text.rpartition("\n")[2]) and "\n" in text:
        text = text.rpartition("\n")[0].rstrip()
    return text


def _unquoted(text: str, firm: str) -> str:
    closing = _QUOTES.get(text[:1])
    wrapped = closing is not None and len(text) > 2 and text.endswith(closing) and closing not in text[1:-1]
    return text[1:-1] if wrapped and firm[:1] != text[:1] else text


def _faults(question: Question, text: str, max_chars: int) -> Iterator[str]:
    """The cheap ones first."""
    firm = question.text
    least, most = _LENGTHS[question.task]
    if not text:
        yield "empty"
    if _REFUSAL.match(text) and not _REFUSAL.match(firm):
        yield "refused"
    if len(text) < least * len(firm):
        yield "too_short"
    if len(text) > min(most * len(firm), max_chars):
        yield "too_long"
    if question.task == "restate" and not is_whole(text):
        yield "unfinished"
    yield from changed_facts(firm, text)
    if similarity(text, firm) > (TOO_SIMILAR if question.task == "restate" else OUTLINE_TOO_SIMILAR):
        yield "too_similar"


def changed_facts(firm: str, text: str) -> Iterator[str]:
    """What `text` lost of the firm's, or has beside it."""
    ours, theirs = placeholders(firm), placeholders(text)
    if ours - theirs:
        yield "lost_placeholder"
    if theirs - ours:
        yield "added_placeholder"
    if numbers(firm) - numbers(text) - hinted_numbers(text):
        yield "lost_number"
    if numbers(without_list_numbers(text)) - numbers(firm) - hinted_numbers(firm):
        yield "added_number"
    if months(firm) - named_months(text):
        yield "lost_date"
    if months(text) - named_months(firm):
        yield "added_date"
    if missing_terms(terms(firm), text):
        yield "lost_term"
