"""What each kind looks like in the contracts of several countries, and what looks like it and is none."""

from __future__ import annotations

import pytest

from finetune.dataset.redact import open_redactor


def redact(text: str) -> str:
    return open_redactor("rules").redact(text, "a document").text


@pytest.mark.parametrize(
    "amount",
    [
        "$200,000",
        "US$1.5 million",
        "$.01",
        "£640k",
        "€1.500.000,00",
        "60.000 €",
        "EUR 1 500 000",
        "CHF 20'000.-",
        "A$5,000",
        "Rs. 10,00,000/-",
        "₹5 crore",
        "Rs. 32,50,000/- (Rupees Thirty-Two Lakh Fifty Thousand only)",
        "two hundred thousand dollars ($200,000)",
        "Two Hundred Fifty Thousand and 00/100 Dollars ($250,000.00)",
        "One Hundred Thousand ($100,000) Dollars",
        "$500 (five hundred dollars)",
        "two million pounds sterling (£2,000,000)",
        "fifty cents",
    ],
)
def test_amounts(amount: str) -> None:
    assert redact(f"The fee is {amount} a month.") == "The fee is [AMOUNT_1] a month."


@pytest.mark.parametrize(
    "date",
    [
        "March 15, 2024",
        "15 March 2024",
        "15th of March, 2024",
        "AUGUST 31, 1998",
        "Sept. 3, 2014",
        "the 15th day of August in the year of Nineteen Hundred and Ninety-Eight",
        "the first day of April, 2019",
        "15 March",
        "March 15",
        "May 2016",
        "17. Februar 2020",
        "2024-03-15",
        "03/15/2024",
        "30.09.2023",
        "17-Jul-2023",
        "14-06-23",
    ],
)
def test_dates(date: str) -> None:
    article = "the " if date.startswith("the ") else ""
    assert redact(f"It began on {date} at noon.") == f"It began on {article}[DATE_1] at noon."


@pytest.mark.parametrize(
    "address",
    [
        "8010 Roswell Road, Suite 120, Atlanta, Georgia 30350",
        "1 Vanderbilt Plaza, 38th Floor, New York, NY 10017",
        "1735 NEW YORK AVENUE, N. W., WASHINGTON, D.C. 20006",
        "P.O. Box 4410, Cleveland, Ohio 44101",
        "4 Salter's Yard, Bristol BS1 6TW",
        "Neptune House, 6 Limehouse Cut, London E14 6NX",
        "The Old Mill, 3 Bridge Street, Boyle, Co. Roscommon F52 XH91",
        "Level 9, 120 St Georges Terrace, Perth WA 6000",
        "8-2-684/3, Road No. 12, Banjara Hills, Hyderabad 500034",
        "Gartenstraße 5, 71088 Holzgerlingen",
        "Keizersgracht 123, 1015 CJ Amsterdam",
        "12 rue de la Paix, 75002 Paris",
    ],
)
def test_addresses(address: str) -> None:
    assert redact(f"Their office is at {address}.") == "Their office is at [ADDRESS_1]."


@pytest.mark.parametrize(
    "phone",
    [
        "+44 (0)20 7946 0958",
        "(212) 555-0123",
        "212-555-0123 ext. 4",
        "415/555-0190",
        "020 7946 0958",
        "+91 98765 43210",
        "1800 555 012",
        "07700 900123",
    ],
)
def test_phones(phone: str) -> None:
    assert redact(f"Reach us through {phone}, always.") == "Reach us through [PHONE_1], always."


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("EIN: 12-3456789; SSN 078-05-1120", "EIN: [TAX_ID_1]; SSN [TAX_ID_2]"),
        ("VAT number GB 123 4567 89 is GB123456789", "VAT number [TAX_ID_1] is [TAX_ID_1]"),
        ("(ABN 51 824 753 556)", "(ABN [TAX_ID_1])"),
        ("Her PPS number, 7163482TA, is known.", "Her PPS number, [TAX_ID_1], is known."),
        ("your tax file number (812 004 377)", "your tax file number ([TAX_ID_1])"),
        ("The tax number of the firm is 42/118/07731.", "The tax number of the firm is [TAX_ID_1]."),
        ("PAN ABCDE1234F, GSTIN 24AAFCK7782Q1Z4", "PAN [TAX_ID_1], GSTIN [TAX_ID_2]"),
        (
            "sort code 20-00-00, account number 12345678",
            "sort code [ACCOUNT_1], account number [ACCOUNT_2]",
        ),
        ("(sort code 11-02-68, no. 60442917)", "(sort code [ACCOUNT_1], no. [ACCOUNT_2])"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "IBAN [ACCOUNT_1]"),
        ("SWIFT: DEUTDEFF500, ABA No. 021000021", "SWIFT: [ACCOUNT_1], ABA No. [ACCOUNT_2]"),
        ("policy number CPP 004-882-19", "policy number [ACCOUNT_1]"),
        ("write to o'brien@acme.example.", "write to [EMAIL_1]."),
        ("Tel: 555 0123. Ring Ann on 98480 55501.", "Tel: [PHONE_1]. Ring Ann on [PHONE_2]."),
    ],
)
def test_numbers_and_mail(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "ten percent (10%) within thirty (30) days, or 4.5% of Net Sales",
        "Section 10.14.12, Clause 3.2(b), page 12, Exhibit 10.101",
        "ISO 27001, Java 17, Incoterms 2020, UCP 600, version 4.2.1",
        "5,144,000 shares of Common Stock and 6,200 square feet",
        "on or before the first day of October, in December or in 2023",
        "the Securities Exchange Act of 1934 and the Companies Act 2006",
        "Case No. RG19-018842, title number TGL 228814, Company No. 02884610",
        "a dividend of 14.7 cent in the euro, ten pounds of coal",
        "the certified letter 7019 0700 0001 4471 8820",
        "mail us @ the office, Drawing No. 212-555-01",
    ],
)
def test_numbers_that_only_look_the_part(text: str) -> None:
    assert redact(text) == text


def test_the_same_thing_said_otherwise_has_the_same_number() -> None:
    text = (
        "two hundred thousand dollars ($200,000), $200,000.00, USD 200,000, $0.2 million, £200,000; "
        "15 March 2024, March 15, 2024, the fifteenth day of March, 2024, 2024-03-15, 15/03/2024, 15 March"
    )
    assert redact(text) == (
        "[AMOUNT_1], [AMOUNT_1], [AMOUNT_1], [AMOUNT_1], [AMOUNT_2]; "
        "[DATE_1], [DATE_1], the [DATE_1], [DATE_1], [DATE_1], [DATE_2]"
    )
