"""What the law, or custom, lets a company's name end in. Patterns only; what stands before is companies.py's matter."""

import re

from finetune.dataset.redact.scanning import by_letter

_STRONG = (
    r"Inc\b\.?|INC\b\.?|Incorporated|INCORPORATED|L\.?L\.?C\b\.?|L\.?L\.?P\b\.?|LLLP|LP\b|L\.P\b\.?|Ltd\b\.?|LTD\b\.?"
    r"|(?:Private |PRIVATE |Proprietary |PROPRIETARY )?(?:Limited|LIMITED)(?: Partnership| PARTNERSHIP)?"
    r"(?! (?:[Pp]artner|PARTNER|[Ll]iabilit|LIABILIT|[Ww]arrant|WARRANT|[Rr]ecourse|[Gg]uarant|GUARANT"
    r"|[Ll]icen[cs]e\b|[Cc]ommon|[Pp]ower"
    r"|[Pp]urpose|[Rr]ight|[Uu]se|[Tt]erm))"
    r"|plc|PLC|p\.l\.c\.?|P\.L\.C\.?|Corp\b\.?|CORP\b\.?|Pty\b\.?|PTY\b\.?|Pvt\b\.?|GmbH|mbH|m\.b\.H\.?|mbB|eGmbH"
    r"|gGmbH|KGaA|KG|OHG|GbR|eG|e\.V\.|e\.U\."
    r"|S\.A\. de C\.V\.|S\. de R\.L\.(?: de C\.V\.)?|S\.A\.R\.L\.?|S\.A\.S\.?|S\.A\.|S\.à r\.l\.?|Sàrl"
    r"|S\.à\.r\.l\.?|SARL|Sarl|EURL|SAS|SCSp|SCA|S\.C\.A\.?"
    r"|S\.C\.S\.?|SCS|SNC|SICAV"
    r"|S\.p\.A\.?|SpA|S\.r\.l\.?|Srl|SRL|S\.L\.U?\.?|S\.L\.|SLU|Lda\.?|Ltda\.?|LTDA\.?|B\.V\.?|N\.V\.?|C\.V\."
    r"|N\.A\b\.?|ApS|A/S|ASA|Oyj|Oy|AB \(publ\)"
    r"|DAC|CLG|ULC|U\.C\.|P\.C\.|P\.A\.|P\.L\.L\.C\.?|PLLC|PLLP|K\.K\.|G\.K\.|Y\.K\.|Bhd\b\.?|Sdn\b\.?|Pte\b\.?"
    r"|PTE\b\.?|UAB|SIA|d\.o\.o\.?|a\.s\.|e?hf\.|s\.r\.o\.|Kft\.?|Zrt\.?|Nyrt\.?"
    r"|Sp\. z o\.o\.|sp\. z o\.o\.|ACA|FLCA|CIO|SCIO|CIC|EEIG|FSB|F\.S\.B\.|Designated Activity Company"
    r"|Unlimited Company|Company Limited by Guarantee"
    r"|National Association|NATIONAL ASSOCIATION|Credit Union|CREDIT UNION|Building Society|BUILDING SOCIETY"
    r"|Bancorp|Bancshares|Bancorporation|Co\.,? Ltd\b\.?|Co\b\.? KG"
)
_SHORT = r"AG|SE|AB|SA|NV|BV|AS|NA|PC|KK|Co\.|CO\."
"""Two capitals may be anything, and "Co." a county."""
_WEAK_WORDS = """
    Company COMPANY Corporation CORPORATION Bank BANK Trust TRUST Partners PARTNERS Holdings HOLDINGS Holding Group
    GROUP Partnership PARTNERSHIP Associates ASSOCIATES Ventures VENTURES Capital Foundation FOUNDATION Industries
    INDUSTRIES Enterprises ENTERPRISES University UNIVERSITY Brothers Bros. Logistics Cooperative Co-operative Co-op
    Laboratories Pharmaceuticals Airlines Airways Advisors Advisers Solicitors Lawyers Advocates Institute Academy
    Association Society Hospice Museum Orchestra Theatre Hospital Press Publishing Records Productions Pictures Films
    Studios Labs Robotics Textiles Ceramics Foundries Shipping Haulage Couriers Nurseries Brewery Brewing Bakery
    Kitchens Catering Interiors Builders Roofing Joinery Lettings Motors Homes Foods Farms Vineyards Wines Outfitters
    Jewellers Opticians Savings Sparkasse Reinsurance
"""
_WEAK = "|".join(map(re.escape, _WEAK_WORDS.split()))
_MORE = (
    rf"(?:,? (?:(?:and|&) Sons?,? |(?:and|&) )?(?:{_STRONG}|Company|COMPANY|Corporation|CORPORATION|{_SHORT}"
    r"|(?:&|and|AND) (?:Co\b\.?|Company))(?![\w&-])){0,4}"
)
SUFFIX = re.compile(
    rf"(?:(?P<strong>{_STRONG})|(?P<short>{_SHORT})|(?P<weak>{_WEAK}))(?![\w&]|-\w|/\w)(?P<more>{_MORE})"
)
"""To be matched where SUFFIX_START found something. `more`: what makes a weak one strong (Trust Company, N.A.)."""


_STARTS = """
    Inc INC LLC L.L LLP LLLP LP L.P Ltd LTD Private PRIVATE Proprietary PROPRIETARY Limited LIMITED PLC P.L P.C
    P.A PLL Corp CORP Pty PTY Pvt GmbH KG K.K OHG GbR S. SA SC SARL Sarl Sàrl SE SpA Sp. Srl SRL SLU SNC SICAV
    SIA Sdn EURL EEIG Lda Ltda LTDA B.V BV N.V NV N.A NA C.V ApS A/S AS AB AG Oy DAC CLG ULC U.C PC KK G.K Y.K
    Bhd Pte PTE UAB Kft Zrt Nyrt ACA FLCA CIO CIC FSB F.S Designated Unlimited National NATIONAL Credit CREDIT
    Building BUILDING Banc Co. CO. Co
"""
SUFFIX_START = by_letter([*_STARTS.split(), *_WEAK_WORDS.split()])
SMALL_START = re.compile(r"plc|p\.l\.c|eG\b|eGmbH|e\.V|e\.U|m\.?b\.?H|mbB|gGmbH|e?hf\.|a\.s\.|s\.r\.o|d\.o\.o|sp\. z")
SMALL_WORDS = frozenset({"plc", "p", "eG", "eGmbH", "e", "mbH", "m", "mbB", "gGmbH", "hf", "ehf", "a", "s", "d", "sp"})
