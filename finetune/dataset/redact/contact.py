"""E-mail addresses, telephone numbers, account numbers and tax numbers. No postal addresses, no amounts.

A number counts by its form where no clause, date or amount has that form, and else by the word before it.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.placeholders import Found, Kind, Words, parted
from finetune.dataset.redact.scanning import around

_EMAIL = re.compile(r"[\w.+'\u2019&-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")

_NUMBER_SIGN = r"(?:(?:[Nn]umbers?|NUMBERS?|[Nn]os?\b\.?|NO\b\.?|\#|ID|[Cc]ode)[\s:.,(]{0,3}(?:is |of )?)"
_TAX_WORD = re.compile(
    r"""
    \b(?: (?:VAT|GST(?:IN)?|PAN|TAN|TIN|F?EIN|SSN|ITIN|ABN|TFN|UTR|NINO|NIF|CIF|PPSN?|NPWP|RFC|CPF|CNPJ|RSIN|PESEL|NIP
          |USt-?Id(?:-?Nr)?\.?|Steuernummer|BTW|TVA|I\.V\.A\.|P\.\ ?IVA)\b
      | (?:[Tt]ax(?:payer)?|TAX(?:PAYER)?)(?:\s(?:[Ii]dentification|[Rr]eference|[Ff]ile|[Rr]egistration|ID|I\.D\.|IDENTIFICATION))?
            (?=\s?(?:[Nn]umber|[Nn]o\b|ID|\#|:|NUMBER|\())
      | [Ee]mployer\s[Ii]dentification | [Ss]ocial\s[Ss]ecurity | [Nn]ational\s[Ii]nsurance | [Uu]nique\s[Tt]axpayer\s[Rr]eference
      | [Pp]ermanent\s[Aa]ccount\s[Nn]umber | [Pp]ersonal\s[Pp]ublic\s[Ss]ervice | [Tt]ax\sfile\s(?=[Nn]umber)
    )
    (?:\s?\((?:[A-Z]{2,6}|["“][A-Z]{2,6}["”])\))?
    (?:\s(?:[Rr]egistration|[Ii]dentification|[Ii]dentity|[Rr]eference))?
    """,
    re.VERBOSE,
)
_TAX_VALUE = rf"(?:[\s:.,(]{{0,3}}{_NUMBER_SIGN}?|(?: (?:[Nn]umber|[Nn]o\.|ID))?(?: (?:for|of|as) [^.;:\n]{{2,40}}?(?:\. ?[A-Z][a-z]+)?)?,? (?:is|being) )(?P<value>(?:[A-Z]{{2}}[ -]?)?[A-Z]{{0,5}}\d[\dA-Z]*(?:[ ./-][\dA-Z]*\d[\dA-Z]*){{0,6}}(?: ?[A-Z])?)(?![\w])"
_TAX_AFTER = re.compile(_TAX_VALUE)
_TAX_FORM = re.compile(
    r"""
      (?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])                              # SSN
    | (?<![\w-])\d{2}-\d{7}(?![\w-])                                    # EIN
    | \b[A-Z]{5}\d{4}[A-Z]\b                                            # PAN
    | \b\d{2}[A-Z]{5}\d{4}[A-Z]\dZ[\dA-Z]\b                             # GSTIN
    | \b(?:GB|EU|XI|CHE|IE|DE|FR|NL|BE|IT|ES|AT|LU|PT|SE|DK|FI|PL)\s?(?=[\dA-Z]*\d{3})[\dA-Z]{1,4}\d{5,9}[A-Z]{0,2}\d{0,2}\b   # VAT
    | \b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z]{2}\ ?\d{2}\ ?\d{2}\ ?\d{2}\ ?[A-D]\b   # NINO
    """,
    re.VERBOSE,
)

_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\w-])(?<!\d )\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?![\w-]| \d)")
_SORTED = re.compile(
    r"\d{2}-\d{2}-\d{2},? (?:and )?(?:[Nn]o\b\.?|[Nn]umber|\#) ?(?P<value>\d{7,8})(?!\d)"
    r"|\d{3}-\d{3},? (?P<bsb>\d{4} ?\d{4,5})(?!\d)"
)
_ACCOUNT_WORD = re.compile(
    r"""
    \b(?: (?:[Aa]ccount|ACCOUNT|[Aa]cct\b\.?|[Aa]/[Cc]|[Ll]oan|[Cc]ard|[Rr]outing(?:/transit)?|[Tt]ransit|ABA|[Pp]olicy|IBAN|BSB|IFSC|[Ss]ort\s[Cc]ode
            |SWIFT|BIC|MICR|[Bb]ank\s[Cc]ode|[Cc]ustody|FFC|[Ff]or\s[Ff]urther\s[Cc]redit(?:\sto)?|[Dd]emat|[Cc]lient\s[Ii][Dd]|[Mm]ember)\b
      | (?:Kontonummer|BLZ)\b )
    (?:\s(?:[Rr]outing|[Cc]ode|[Ii]dentifier|transit|[Aa]ccount)\b)?(?:\s?/\s?(?:BIC|SWIFT|IBAN|ABA))?(?:\s?\((?:IBAN|BIC|SWIFT|ABA|BSB|IFSC|RTN)\))?
    """,
    re.VERBOSE,
)
_ACCOUNT_AFTER = re.compile(
    r"(?:(?: with \S+| for [a-z]+(?: [a-z]+)?)? (?:is|are|was)(?: numbered)? )?(?:[\s:.(]{0,3}(?:(?:[Nn]umbers?"
    r"|numbered|[Nn]os?\b\.?|NUMBER|NO\b\.?|\#|[Cc]ode|is|of|ending(?: in)?)[\s:.]{0,3}){0,2})"
    r"(?P<value>(?:[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b)"
    r"|(?:[A-Z]{1,4}[ /-]?)?[\dX*]*\d[\dA-Z]*(?:[ ./-][\dA-Z]*\d[\dA-Z]*){0,6}(?:-[A-Z]{1,2})?)(?![\w@])"
)

_PHONE_FORM = re.compile(
    r"""(?<![\w.,/$£€-])(?<!\d\ )(?:
      \+\d{1,3}(?:[\s.-]?\(0?\d{0,4}\))?[\s.-]?\d{1,5}(?:[\s.-]?\d{2,5}){1,5}              # +44 (0)20 7946 0958
    | 00\d{2}[\s-]\d{1,4}(?:[\s-]\d{2,5}){1,4}
    | (?:1[\s.-])?\(\d{3}\)\s?\d{3}[\s.-]\d{4}                               # (212) 555-0123
    | (?:1[.-])?\d{3}([.-])\d{3}\1\d{4}                                      # 212-555-0123
    | 1[\s-]?[38]00[\s-]\d{3}[\s-]\d{3,4}                                    # 1800 555 012
    | \(?0[1-9]\d{0,3}\)?[\s-]\d{3,4}[\s-]?\d{3,4}                                # 020 7946 0958
    | 0[1-9]\d{0,3}(?:[\s-]\d{2,4}){2,4}
    | \d{3}/\d{3}-\d{4}
    | [6-9]\d{4}\ \d{5}
    )(?:\s?(?:x|ext\.?|[Ee]xtension)\s?\d{1,6})?(?![\w-]|\ \d)""",
    re.VERBOSE,
)
_PHONE_WORD = re.compile(
    r"\b(?:[Tt]el(?:ephone|efax)?|TEL(?:EPHONE)?|[Pp]hone|PHONE|[Ff]ax|FAX|[Ff]acsimile|FACSIMILE|[Mm]obile|[Cc]ell"
    r"|[Tt]elecopy"
    r"|[Tt]elecopier|[Ee]xt)\b\.?(?:[ -]?(?:[Nn]umber|[Nn]o\.?|line))?"
    r"(?: \([\w ]+\))?[\s:.#]{1,3}(?P<value>[+(]?\d[\d ().-]{4,20}\d)(?![\w-])"
)
_PHONE_VERB = re.compile(
    r"\b(?:[Tt]elephone|[Rr]ing|[Cc]all(?:ing)?|[Tt]ext|[Pp]hone|[Dd]ial|[Cc]ontact|WhatsApp)\b[^.;\n]{0,40}? (?:on"
    r"|at) (?P<value>[+(]?\d[\d ().-]{5,18}\d)(?![\w-])"
)
_LONG_NUMBER = re.compile(r"\d(?:(?:[ ./()-]{0,2}\d){4,}|\d{3}[A-Z])")
"""In what is no account, tax or telephone number there are seldom five digits with no comma."""
_DATE_FORM = re.compile(r"\d\d?([-. /])\d\d?\1(?:19|20)\d\d|(?:19|20)\d\d([-. ])\d\d?\2\d\d?")
_BEFORE_NUMBER = 90
_AFTER_NUMBER = 30
_SHORTEST_IBAN = 15
_LOOSE = re.compile(r"[\s.()-]+")


def find_emails(text: str, _: Words) -> Iterator[Found]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            start = match.start() + len(match[0]) - len(match[0].lstrip(".'\u2019&-"))
            yield Found(start, match.end(), "EMAIL", match[0].lower())


def find_numbers(text: str, _: Words) -> Iterator[Found]:
    """Account, tax and telephone numbers, in order. Where two overlap, a telephone is what is left."""
    spans = [match.span() for match in _LONG_NUMBER.finditer(text)]
    for low, high in around(spans, _BEFORE_NUMBER, _AFTER_NUMBER):
        found = list(parted(_accounts(text, low, high)))
        for one in parted(_phones(text, low, high)):
            if all(one.end <= other.start or one.start >= other.end for other in found):
                found.append(one)
        yield from sorted(found)


def _accounts(text: str, low: int, high: int) -> Iterator[Found]:
    for match in _TAX_FORM.finditer(text, low, high):
        if match.start() == 0 or not (text[match.start() - 1].isalnum() or text[match.start() - 1] in "_-"):
            yield _found(match, "TAX_ID")
    for match in _IBAN.finditer(text, low, high):
        if len(match[0]) >= _SHORTEST_IBAN:
            yield _found(match, "ACCOUNT")
    for match in _CARD.finditer(text, low, high):
        yield _found(match, "ACCOUNT")
    for match in _SORTED.finditer(text, low, high):
        yield _found(match, "ACCOUNT", match.lastgroup or 0)
    yield from _after(_TAX_WORD, _TAX_AFTER, "TAX_ID", text, low, high)
    yield from _after(_ACCOUNT_WORD, _ACCOUNT_AFTER, "ACCOUNT", text, low, high)


def _phones(text: str, low: int, high: int) -> Iterator[Found]:
    for match in _PHONE_FORM.finditer(text, low, high):
        if _is_phone(match[0]):
            yield _found(match, "PHONE")
    for pattern in (_PHONE_WORD, _PHONE_VERB):
        for match in pattern.finditer(text, low, high):
            if _is_phone(match["value"]):
                yield _found(match, "PHONE", "value")


def _after(
    word: re.Pattern[str], value: re.Pattern[str], kind: Kind, text: str, low: int, high: int
) -> Iterator[Found]:
    for match in word.finditer(text, low, high):
        found = value.match(text, match.end())
        if found is not None and sum(map(str.isdigit, found["value"])) >= 4 - 4 * found["value"].isupper():
            yield _found(found, kind, "value")


def _is_phone(text: str) -> bool:
    return 6 <= sum(map(str.isdigit, text)) <= 16 and _DATE_FORM.fullmatch(text) is None


def _found(match: re.Match[str], kind: Kind, group: str | int = 0) -> Found:
    return Found(match.start(group), match.end(group), kind, _LOOSE.sub("", match[group]).upper())
