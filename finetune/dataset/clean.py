"""Text as it came out of a Vault → the same text without what conversion left in it.

Characters, hard-wrapped lines, page furniture, link targets and special tokens. Changes no word that the
firm wrote; which paragraphs are worth keeping is decided in blocks.py.
"""

import re
import unicodedata

_LINE_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\uffff"  # unseen
    "\ue000-\uf8ff\ud800-\udfff]"  # private use (symbol fonts), halves of pairs
)
_ASCII: dict[int, str | None] = {
    **dict.fromkeys((*range(9), *range(0x0E, 0x20), 0x7F)),
    **dict.fromkeys(map(ord, "\r\x0b\x0c"), "\n"),
}
_SPACES = re.compile(r"[^\S\n]{2,}|[^\S\n ]")
_STARTS_LINE = re.compile(r"[*•●▪◦\u2013—-] |#{1,6} |>|\|?[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,5})[.)\]] |\d+\.\d")
_ENDINGS = '.:;!?*_)”"|'
_WRAPPED_CHARS = range(45, 101)

_FURNITURE = re.compile(
    r"""
      (?:page\s*)?[-\u2013—~•]?\s*\d{1,4}\s*[-\u2013—~•]?        # 12, - 3 -, Page 3
    | (?:page|pg\.?)\s+\d+\s*(?:of|/)\s*\d+            # Page 3 of 12
    | \d{1,4}\s+of\s+\d{1,4}
    | (?:page|pages|[ivxl]{1,7}|[a-z]{1,2}-\d{1,3})    # iv, A-2
    | (?:table\ of\ contents|\(?continued\)?)
    | \[?(?:signature\ page\ follows|signatures\ (?:follow|appear)[^\n]{0,60}|remainder\ of[^\n]{0,80})\]?\.?
    | \[?intentionally\ left\ blank\]?
    | exhibit\ \d+(?:\.\d+)+                            # a filing's running header
    | [-_=*~.]{3,}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT = re.compile(r"<!--.{0,2000}?-->", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_IMAGE = re.compile(r"!\[[^\]\n]{0,300}\]\([^()\s]{0,500}\)")
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\([^()\s]{0,500}\)")
BULLETS = "*•●"
_INLINE_BULLET = re.compile(r"(?<=[^\s*•●]) [*•●] (?=[^\s*])")


def clean(text: str) -> str:
    """Paragraphs parted by a blank line, items of a list by a newline, single spaces, no empty ends."""
    text = _single_spaced(_drop_markup(_characters(text)))
    lines = (line.strip() for line in text.split("\n"))
    paragraphs = "\n".join(line for line in lines if not _FURNITURE.fullmatch(line)).split("\n\n")
    whole = _rejoin([part for paragraph in paragraphs for part in _unwrap(paragraph)])
    return neutralise_tokens("\n\n".join(_part_bullets(paragraph) for paragraph in whole))


def _characters(text: str) -> str:
    """Only what is seen, its line breaks all alike."""
    if text.isascii():  # the same, without patterns that find nothing
        return text.replace("\r\n", "\n").translate(_ASCII)
    return unicodedata.normalize("NFC", _DROPPED.sub("", _LINE_BREAKS.sub("\n", text)))


def _single_spaced(text: str) -> str:
    return _SPACES.sub(" ", text) if "  " in text or "\t" in text or not text.isascii() else text


def neutralise_tokens(text: str) -> str:
    """No `<|` and no `|>` is left: a provider fails the whole file for one special token."""
    return text.replace("<|", "< |").replace("|>", "| >")


def _drop_markup(text: str) -> str:
    """Link targets are facts, not style; the words of the link stay."""
    if "<" in text:
        text = _TAG.sub("", _COMMENT.sub("", text))
    if "](" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    return text


def _unwrap(paragraph: str) -> list[str]:
    """Joins lines that a fixed width broke. Any other line is a paragraph of its own or an item of a list."""
    paragraphs: list[str] = []
    before = ""
    for line in paragraph.split("\n"):
        if not line:
            continue
        if before and _STARTS_LINE.match(line):
            paragraphs[-1] += "\n" + line
        elif len(before) in _WRAPPED_CHARS and len(line) < _WRAPPED_CHARS.stop:
            paragraphs[-1] += " " + line
        else:
            paragraphs.append(line)
        before = line
    return paragraphs


def _rejoin(paragraphs: list[str]) -> list[str]:
    """Joins a sentence that a page break cut in two."""
    whole: list[list[str]] = []
    for paragraph in paragraphs:
        if whole and _breaks_off(whole[-1][-1]) and paragraph[0].islower() and not _STARTS_LINE.match(paragraph):
            whole[-1].append(paragraph)
        else:
            whole.append([paragraph])
    return [" ".join(parts) for parts in whole]


def _breaks_off(paragraph: str) -> bool:
    return len(paragraph) >= _WRAPPED_CHARS.start and paragraph[-1] not in _ENDINGS


def _part_bullets(paragraph: str) -> str:
    """A list that was run into one line gets its lines back."""
    if not any(bullet in paragraph for bullet in BULLETS) or len(_INLINE_BULLET.findall(paragraph)) < 2:
        return paragraph
    return _INLINE_BULLET.sub("\n* ", paragraph)
