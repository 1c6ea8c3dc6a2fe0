"""Where a sentence ends, and what a heading is called. Text in, text out; no idea of blocks or examples."""

import re

_ABBREVIATIONS = "Inc|Corp|Ltd|Co|No|Nos|Sec|Art|Mr|Ms|Mrs|Dr|St|Jr|Sr|vs|al|etc|approx|ss|ca|op|cit|Bros"
_CLOSERS = r"[\"”\u2019')\]*_]*"
_END = re.compile(
    r"[.!?](?<![A-Za-z]\.[A-Za-z]\.)(?<!\b[A-Za-z]\.)(?<!\d\.)"  # initials, and the number of a clause
    + "".join(rf"(?<!\b{name}\.)" for name in _ABBREVIATIONS.split("|"))
    + rf"{_CLOSERS}(?=\s+[\"“\u2018(\[*_]*[A-Z])"
)
_WHOLE = re.compile(rf"[.!?]{_CLOSERS}$")

BULLETS = "*•●▪◦\u2013—-"
MARKER = re.compile(rf"(?:[{BULLETS}]|\(?(?:\d{{1,3}}|[A-Za-z]|[ivxIVX]{{1,5}})[)\].]|\d+(?:\.\d+)+\.?) ")
_LABEL = re.compile(r"(?i:(?:article|section|part|schedule|item)\s+[\dIVXLC]+(?:\.\d+)*\b)[.:]?\s*[-\u2013—]?\s*")
_RUN_IN = re.compile(
    r"(?P<mark>\*\*|__|_)?(?P<title>[A-Z][^.:;*_?!\n]{2,70})"
    r"(?:(?P=mark)[.:]?|[.:](?:\*\*|__|_)?)(?=\s+\S)"
)
_PLAIN_RUN_IN = re.compile(r"(?P<title>[A-Z][^.:;*_?!\n]{2,70})[.:](?=\s+\S)")

_SMALL = "a|an|and|as|at|by|for|from|in|into|is|it|its|of|off|on|or|our|out|per|the|to|under|upon|via|with|your"
MAX_TITLE_WORDS = 14

SMALL_WORDS = frozenset(_SMALL.split("|"))


def is_whole(text: str) -> bool:
    """Ends as a sentence does."""
    return _WHOLE.search(text) is not None


def sentences(text: str) -> list[str]:
    """The sentences of one line; an unfinished one at the end counts as one."""
    parts, start = [], 0
    for match in _END.finditer(text):
        parts.append(text[start : match.end()].strip())
        start = match.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def without_first(text: str) -> str:
    """What follows the first sentence's end; empty where nothing does."""
    match = _END.search(text)
    return text[match.end() :].strip() if match else ""


def without_last(text: str) -> str:
    """The text up to the end of its last sentence but one; empty where there is only one."""
    ends = [match.end() for match in _END.finditer(text)]
    return text[: ends[-1]] if ends else ""


def unmarked(line: str) -> str:
    """Without the bullet or number that it starts with."""
    marker = MARKER.match(line)
    return line[marker.end() :] if marker else line


def is_title(words: str) -> bool:
    named = [word for word in words.split() if word.lower() not in SMALL_WORDS and word[:1].isalpha()]
    return 0 < len(named) <= MAX_TITLE_WORDS and all(word[0].isupper() for word in named)


def heading_title(heading: str) -> str:
    """`### 4.2 Term.` → `Term`; `ARTICLE 5` → `ARTICLE 5`."""
    bare = heading.lstrip("#>").strip(" *_")
    title = bare[match.end() :] if (match := _LABEL.match(bare) or MARKER.match(bare)) else bare
    return title.strip(" .:*_") or bare


def run_in_title(line: str) -> str:
    """The title that stands before the text on the same line (`8.11. Severability. Should …`), or nothing."""
    label = _LABEL.match(line) or MARKER.match(line)
    rest = line[label.end() :] if label else line
    if rest[:1] in ("*", "_"):
        match = _RUN_IN.match(rest)
        return match["title"].strip() if match else ""
    match = _PLAIN_RUN_IN.match(rest) if label and label[0][0] not in BULLETS else None
    return match["title"].strip() if match and is_title(match["title"]) else ""
