"""Account numbers and tax numbers, by a form that nothing else has or by the word before them. No telephones.

Numbers that only look the part (company, title, case, order numbers) have none of these words before them.
"""

import re
from collections.abc import Iterator

from finetune.dataset.redact.placeholders import Found, Kind, stretch

_TAX_WORD = re.compile(
    r"\b(?:"
    r"(?:VAT|GST(?:IN)?|PAN|TAN|TIN|F?EIN|SSN|ITIN|ABN|TFN|UTR|NINO|NIF|CIF|PPSN?|NPWP|RFC|CPF|CNPJ|RSIN|PESEL|NIP"
    r"|TRN|UID|NIE|BSN|CPR|SIN|CUIT|IdNr|Steuer-?ID|USt-?Id(?:-?Nr)?\.?|Steuernummer|BTW|TVA|I\.V\.A\.|P\. ?IVA)\b"
    r"|(?i:tax(?:payer)?)(?: (?i:identification|reference|file|registration|I\.?D\.?))?"
    r"(?= ?(?i:number|no\b|ID|#|:|\())"
    r"|(?i:employer identification|social security|national insurance|unique taxpayer reference"
    r"|permanent account number|personal public service)"
    r")"
    r"(?: ?\((?:[A-Z]{2,6}|[\"“][A-Z]{2,6}[\"”])\))?(?: (?i:registration|identification|identity|reference|reg"
    r"|ref)\b\.?)?"
)
_SIGN = r"(?:(?:(?i:numbers?|nos?)\b\.?|#|ID|[Cc]ode)[\s:.,(]{0,3}(?:is |of )?)"
_TAX_VALUE = re.compile(
    rf"(?:[\s:.,(]{{0,3}}{_SIGN}?"
    r"|(?: (?:[Nn]umber|[Nn]o\.|ID))?(?: (?:for|of|as) [^.;:\n]{2,40}?(?:\. ?[A-Z][a-z]+)?)?,? (?:is|being) )"
    r"(?P<value>(?:[A-Z]{2}[ -]?)?[A-Z]{0,5}\d[\dA-Z]*(?:[ ./-][\dA-Z]*\d[\dA-Z]*){0,6}(?: ?[A-Z])?)(?!\w)"
)
_TAX_FORM = re.compile(
    r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"  # social security
    r"|(?<![\w-])\d{2}-\d{7}(?![\w-])"  # employer
    r"|\b[A-Z]{5}\d{4}[A-Z]\b|\b\d{2}[A-Z]{5}\d{4}[A-Z]\dZ[\dA-Z]\b"  # PAN, GSTIN
    r"|\b(?:GB|EU|XI|CHE|IE|DE|FR|NL|BE|IT|ES|AT|LU|PT|SE|DK|FI|PL) ?(?=[\dA-Z]*\d{3})"
    r"[\dA-Z]{1,4}\d{5,9}[A-Z]{0,2}\d{0,2}\b|\bATU\d{8}\b|\bCHE-?\d{3}\.\d{3}\.\d{3}\b"  # value added tax
    r"|\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"  # national insurance
)

_ACCOUNT_WORD = re.compile(
    r"\b(?:(?i:account|acct|acc|a/c|loan|card|routing(?:/transit)?|transit|policy|sort code|bank code|custody|demat"
    r"|member"
    r"|for further credit(?: to)?|client id)|ABA|IBAN|BSB|IFSC|SWIFT|BIC|MICR|FFC|Kontonummer|Konto|BLZ)\b\.?"
    r"(?: (?i:routing|code|identifier|transit|account)\b)?(?: ?/ ?(?:BIC|SWIFT|IBAN|ABA))?"
    r"(?: ?\((?:IBAN|BIC|SWIFT|ABA|BSB|IFSC|RTN)\))?"
)
_ACCOUNT_VALUE = re.compile(
    r"(?:(?: with \S+| for [a-z]+(?: [a-z]+)?)? (?:is|are|was)(?: numbered)? )?"
    r"(?:[\s:.(]{0,3}(?:(?:(?i:numbers?|nos?)\b\.?|numbered|#|[Cc]ode|is|of|ending(?: in)?)[\s:.]{0,3}){0,2})"
    r"(?P<value>[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b"  # a bank's code
    r"|(?:[A-Z]{1,4}[ /-]?)?[\dX*]*\d[\dA-Z]*(?:[ ./-][\dA-Z]*\d[\dA-Z]*){0,6}(?:-[A-Z]{1,2})?)(?![\w@])"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_SHORTEST_IBAN = 15
_CARD = re.compile(r"(?<![\w-])(?<!\d )\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?![\w-]| \d)")
_AFTER_SORT_CODE = re.compile(
    r"\d{2}-\d{2}-\d{2},? (?:and )?(?:[Nn]o\b\.?|[Nn]umber|#) ?(?P<value>\d{7,8})(?!\d)"
    r"|\d{3}-\d{3},? (?P<bsb>\d{4} ?\d{4,5})(?!\d)"
)
_OTHER_NUMBER = re.compile(
    r"[\w-]$|(?i:\b(?:drawing|order|docket|case|patent|parcel|matter|file|invoice|permit|title|serial|part|claim"
    r"|project|lot|item|model"
    r"|receipt|tracking|contract|reference|ref|job|charity|company|registration|registered)"
    r"(?: (?:nos?|numbers?|ref|id|code))?)[.:#]{0,2}\s?$"
)
_REACH = 30
_MIN_DIGITS = 4


def accounts_in(text: str, low: int, high: int) -> Iterator[Found]:
    """In no order; the same one may be found twice."""
    for match in _TAX_FORM.finditer(text, low, high):
        if not _OTHER_NUMBER.search(text, max(0, match.start() - _REACH), match.start()):
            yield stretch(match, "TAX_ID")
    for match in _IBAN.finditer(text, low, high):
        if len(match[0]) >= _SHORTEST_IBAN:
            yield stretch(match, "ACCOUNT")
    for match in _CARD.finditer(text, low, high):
        yield stretch(match, "ACCOUNT")
    for match in _AFTER_SORT_CODE.finditer(text, low, high):
        yield stretch(match, "ACCOUNT", match.lastgroup or 0)
    yield from _after(_TAX_WORD, _TAX_VALUE, "TAX_ID", text, low, high)
    yield from _after(_ACCOUNT_WORD, _ACCOUNT_VALUE, "ACCOUNT", text, low, high)


def _after(
    word: re.Pattern[str], value: re.Pattern[str], kind: Kind, text: str, low: int, high: int
) -> Iterator[Found]:
    for match in word.finditer(text, low, high):
        found = value.match(text, match.end())
        if found is not None and (found["value"].isupper() or sum(map(str.isdigit, found["value"])) >= _MIN_DIGITS):
            yield stretch(found, kind, "value")
