"""Persons and companies: which words are a name, and which names are the same."""

from __future__ import annotations

import pytest

from finetune.dataset.redact import open_redactor


def redact(text: str) -> str:
    return open_redactor("rules").redact(text, "a document").text


@pytest.mark.parametrize(
    "company",
    [
        "Acme Widgets, Inc.",
        "Tumbleweed Logistics, L.L.C.",
        "Ironbridge Capital Partners III, L.P.",
        "Bass Strait Ferries Pty Ltd",
        "Karnavati Textiles Private Limited",
        "Bexhill Ceramics (1974) Limited",
        "Peregrine Wind (Scotland) Limited",
        "Tay & Forth Bank plc",
        "Sedgwick, Lowe & Tannenbaum LLP",
        "Schönbuch Werkzeuge GmbH",
        "Falkenried Maschinenbau GmbH & Co. KG",
        "Rigi Präzision AG",
        "Moinho Serra Azul, S.A.",
        "Nordhavn Maritime A/S",
        "Bayshore Bank, N.A.",
        "Ottauquechee Trust Company",
        "Bank of Nova Scotia",
        "1881 Holdings, LLC",
        "Foley & Rossi",
    ],
)
def test_companies(company: str) -> None:
    assert redact(f"It was sold to {company}, which paid.") == "It was sold to [COMPANY_1], which paid."


@pytest.mark.parametrize(
    "person",
    [
        "Adaeze Nwosu",
        "John Q. Adams, Jr.",
        "Dr Amara Okafor",
        "Mr. S. Venkatesh Rao",
        "Sir Humphrey Appleby",
        "Ludwig van der Rohe",
        "María José Carreño Quiñones",
        'Donald "Skip" Hargreave',
        "Sean O'Casey",
        "J.R.R. Tolkien",
        "Rosalind Pemberton-Hyde",
        "Piotr Zieliński",
        "Fintan Mac Giolla Bhríde",
    ],
)
def test_persons(person: str) -> None:
    assert redact(f"It was made by {person} in haste.") == "It was made by [PERSON_1] in haste."


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Attention: Xu Wenjing", "Attention: [PERSON_1]"),
        ("By: /s/ Zwingla Thrupp\nTitle: President", "By: /s/ [PERSON_1]\nTitle: President"),
        ("Zwingla Thrupp, an individual", "[PERSON_1], an individual"),
        ("Zwingla Thrupp, a resident of Ohio", "[PERSON_1], a resident of Ohio"),
        ("Zwingla Thrupp of 27 Old Post Road, Leeds LS1 4AP", "[PERSON_1] of [ADDRESS_1]"),
        ("Zwingla Thrupp, Chief Executive Officer", "[PERSON_1], Chief Executive Officer"),
        ('Zwingla Thrupp (the "Executive")', '[PERSON_1] (the "Executive")'),
        ("John Smith, Xu Wenjing and Mary Jones", "[PERSON_1], [PERSON_3] and [PERSON_2]"),
        ("SIGNED as a deed by ZWINGLA THRUPP", "SIGNED as a deed by [PERSON_1]"),
        ("Dear Priyanka, we write", "Dear [PERSON_1], we write"),
        ("I leave it to my niece Thistle.", "I leave it to my niece [PERSON_1]."),
        ('a tenant trading as "The Copper Kettle"', 'a tenant trading as "[COMPANY_1]"'),
    ],
)
def test_what_stands_around_shows_a_name(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "The Operating Partnership, the General Partner and the Seller Parties hold Common Stock.",
        "The Lender, the Issuing Bank, the Paying Agent and the Surviving Corporation met on a Business Day.",
        "a Delaware limited liability company, a Delaware LLC, the Company, the Trust and the Group",
        "the Securities and Exchange Commission, the Supreme Court of Victoria, the Central Bank of Ireland",
        "the Chief Executive Officer, the Board of Directors, the Secretary of State of Maine",
        "the laws of the State of New York, of England and Wales, and of Hong Kong",
        "the GitHub Limited Warranty and the Builder's Risk Insurance",
        "Closing Date, Net Working Capital, Events of Default, Grant Date, Bill of Sale, Change of Control",
        "ARTICLE 7. GENERAL CONTRACTOR'S RIGHT TO STOP THE WORK",
        "CASH FLOWS, Will Apply, May Terminate, Brand Features, Mark Up, Floor & Roof, Profit & Loss",
        "Attention: General Counsel",
    ],
)
def test_what_contracts_write_large_is_no_name(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            'Acme Widgets, Inc. ("Acme"). Acme Widgets, ACME WIDGETS, INC. and ACME agree; Acme\'s word.',
            '[COMPANY_1] ("[COMPANY_1]"). [COMPANY_1], [COMPANY_1] and [COMPANY_1] agree; [COMPANY_1]\'s word.',
        ),
        ('International Bolt Makers Corp. ("IBM"): IBM shall.', '[COMPANY_1] ("[COMPANY_1]"): [COMPANY_1] shall.'),
        ("Acme Widgets, Inc. and Acme Widgets LLC", "[COMPANY_1] and [COMPANY_2]"),
        ("Acme Widgets Incorporated is Acme Widgets, Inc.", "[COMPANY_1] is [COMPANY_1]."),
        ("New York Mills, Inc. is in New York and Mills.", "[COMPANY_1] is in New York and Mills."),
        (
            "Village Farms, Inc. built the Village and a Village Hall.",
            "[COMPANY_1] built the Village and a Village Hall.",
        ),
        (
            "Dr Amara Okafor. Dr Okafor, Ms. Okafor, Okafor, A. Okafor, Amara Okafor, Amara and AMARA OKAFOR",
            "[PERSON_1]. [PERSON_1], [PERSON_1], [PERSON_1], [PERSON_1], [PERSON_1], [PERSON_1] and [PERSON_1]",
        ),
        ("Dr Okafor came. Amara Okafor signed.", "[PERSON_1] came. [PERSON_1] signed."),
        ("John A. Smith, John B. Smith, John Smith", "[PERSON_1], [PERSON_2], [PERSON_1]"),
        ("John Smith, Jane Smith, Mr Smith", "[PERSON_1], [PERSON_2], [PERSON_1]"),
        ("Mr. S. Venkatesh Rao, son of Sri S. Narasimha Rao", "[PERSON_1], son of [PERSON_2]"),
        ("Bríd Ní Mhurchú. Ms Ní Mhurchú", "[PERSON_1]. [PERSON_1]"),
        ("Sir Roderick Vane. Sir Roderick", "[PERSON_1]. [PERSON_1]"),
        ("It was Mr Smith's. The Smith Lane stays.", "It was [PERSON_1]'s. The Smith Lane stays."),
    ],
)
def test_short_forms_have_the_number_of_the_long(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_a_full_stop_that_ends_the_sentence_stays() -> None:
    assert redact("Signed.\nACME WIDGETS, INC.\nBy: the President") == "Signed.\n[COMPANY_1]\nBy: the President"
    assert (
        redact("It is owed by Acme Widgets, Inc. The Lender agrees.") == "It is owed by [COMPANY_1]. The Lender agrees."
    )
