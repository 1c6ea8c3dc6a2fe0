"""Clean text → its blocks: headings, prose, items of lists, and the kinds that nobody should learn from.

One table of what a line can be. Knows nothing of examples; which blocks make a passage is passages.py.
"""

import re
from typing import Literal

from msgspec import Struct

from finetune.dataset.sentences import MARKER, is_title

BlockKind = Literal["heading", "prose", "item", "contents", "signature", "table", "markup", "broken"]

MAX_HEADING_CHARS = 90
MAX_CAPITALS_CHARS = 160
MIN_SHOUTED_WORDS = 10
"""In capitals, fewer are as likely the title of a part that is elsewhere."""

_LEADERS = ("....", ". . . . ", "……")
_RULED_PAGE = re.compile(r"__ ?\d{1,3}$")
_CONTENTS_LINE = re.compile(r"(?:article|section)?\s*[\dIVX]+(?:\.\d+)*\.?\s[^.;:]{3,80}\s\d{1,3}", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"/s/"
    r"|\W*(?:by|its|name|title|attest|witness(?:es)?|print(?:ed)? name|signature|seal)\s*:.{0,100}$"
    r"|in witness whereof|executed (?:as of|on|this)|given under my hand|\W*signatures?\W*$",
    re.IGNORECASE,
)
_EXECUTED = re.compile(r"\b(?:is|are|was|been) (?:duly )?executed (?:as of|on) the (?:day|date|year)", re.IGNORECASE)
_MARKED_HEADING = re.compile(
    r"#{1,6} |(?:article|section|item|schedule|exhibit|appendix|annex|part)\s+[\dIVXLA-Z]", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:\d+\.)+\d*\s|\d+\.?\s|[A-Z]\.\s|\([A-Za-z0-9]{1,4}\)\s(?=[A-Z])")
_ENDED = re.compile(r"[.!?:;,][\"”\u2019)\]*_]*$")
_WORD = re.compile(r"[^\W\d_]{2,}")


class Block(Struct, frozen=True):
    """`tight`: in the text only a newline, no blank line, stands before it."""

    kind: BlockKind
    text: str
    tight: bool = False


def parse(text: str) -> list[Block]:
    return [
        Block(classify(line), line, tight=index > 0)
        for paragraph in text.split("\n\n")
        for index, line in enumerate(paragraph.split("\n"))
        if line
    ]


def classify(line: str) -> BlockKind:
    """What one line is; the first of the questions that fits answers."""
    if any(leader in line for leader in _LEADERS) or _RULED_PAGE.search(line) or _CONTENTS_LINE.fullmatch(line):
        return "contents"
    if "____" in line or _SIGNATURE.match(line) or ("xecuted" in line.lower() and _EXECUTED.search(line)):
        return "signature"
    if "{%" in line or "{{" in line or "](" in line:
        return "markup"
    words = _WORD.findall(line)
    if not words or line.count("|") > 2 or _mostly_figures(line, words):
        return "table"
    if is_heading(line):
        return "heading"
    if MARKER.match(line):
        return "item"
    if is_ended(line):
        return "prose" if len(words) >= (MIN_SHOUTED_WORDS if line.isupper() else 5) else "table"
    return "prose" if len(words) >= 12 and not _mostly_capitals(line) else "table"


def is_heading(line: str) -> bool:
    if len(line) > (MAX_CAPITALS_CHARS if line.isupper() else MAX_HEADING_CHARS):
        return False
    if _MARKED_HEADING.match(line):
        return True
    number = _NUMBER.match(line)
    if is_ended(line) and not (number and line.endswith(".")):
        return False
    return is_title(line[number.end() :] if number else line)


def is_ended(text: str) -> bool:
    """Ends in a mark that can end a paragraph, the comma before a list included."""
    return _ENDED.search(text) is not None


def join(blocks: list[Block]) -> str:
    """The blocks as the text that they were parsed from."""
    parts = [part for block in blocks for part in ("\n" if block.tight else "\n\n", block.text)]
    return "".join(parts[1:])


def _mostly_figures(line: str, words: list[str]) -> bool:
    if sum(map(len, words)) * 2 >= len(line):  # as it nearly always is
        return False
    return sum(map(str.isalpha, line)) * 2 < len(line.replace(" ", ""))


def _mostly_capitals(line: str) -> bool:
    return sum(map(str.isupper, line)) * 2 > sum(map(str.isalpha, line))
