"""Where contracts name a person: what stands right before a name and right after it. Patterns only."""

import re

_PARTY_ROLES = """
    applicant appellant arbitrator architect artist assignee assignor attorney author bailee bailor beneficiary borrower
    buyer chair chairman chairperson chairwoman charterer claimant client complainant consignee consultant contractor
    covenantor creditor customer debtor defendant designer developer director discloser donee donor employee employer
    engineer executive executor executrix founder franchisee franchisor grantee grantor guarantor indemnitor insured
    inventor investor landlord lender lessee lessor licensee licensor manager member mortgagee mortgagor obligor
    officer optionee owner participant partner patient payee payer payor performer petitioner photographer plaintiff
    pledgor president producer promisee promisor proprietor publisher purchaser recipient releasee releasor
    representative respondent secretary seller settlor shareholder solicitor stockholder student supplier surety tenant
    testator transferee transferor treasurer trustee vendor volunteer warrantor witness
"""
_LABELS = """
    apologies attendance buyers by cc clients contact copy directors executors from guarantors name partners
    present sellers shareholders signatories signatory signature signed tenants to trustees vendors witness
    witnesses
"""
_SMALL_ROLES = (
    r"(?:director|partner|solicitor|secretary|witness|trustee|barrister|attorney|advocate|notary|accountant|consultant"
    r"|employee|manager|trainee|associate|liquidator|receiver|administrator|executor|executrix|shareholder|founder"
    r"|chair"
    r"|president|spouse|wife|husband|head of|counsel|clerk|teacher|nurse|doctor|surgeon|engineer|architect|farmer"
    r"|retired"
    r"|widow|widower|deceased|aged|trading as|t/a)"
)
_LARGE_ROLES = (
    r"(?:Chief|President|(?:[A-Z]\w+ )?Director|Managing|Company Secretary|General Counsel|Vice[ -]President|Executive"
    r"|Senior|Chair|Secretary|Treasurer|Partner|Group|Head of|Trustee|Attorney|Solicitor|Manager|Counsel|Notary|Founder"
    r"|Controller|Principal|Esq|CEO|CFO|COO|CTO|HR|Clerk|Esquire)"
)
RELATIVES = (
    r"(?:wife|husband|spouse|son|daughter|brother|sister|nephew|niece|cousin|friend|mother|father|child|children"
    r"|grandson|granddaughter|goddaughter|godson|stepson|stepdaughter|aunt|uncle|widow|partner|neighbour|executor"
    r"|trustee|attorney|solicitor|agent|nominee|client|colleague)"
)
_ROLES = "|".join(_PARTY_ROLES.split())
_LABEL = "|".join((*_PARTY_ROLES.split(), *_LABELS.split()))

LEADS = re.compile(
    r"(?:"
    r"\b(?i:attention|attn|f\.?a\.?o|for the attention of|care of)\b\.?:?\s+|\b[Cc]/[Oo]:? "
    rf"|\b(?i:(?:print(?:ed)? )?(?:{_LABEL})(?: of [\w ]{{2,20}})?)\s?:\s{{1,2}}(?:_+ ?)?(?:/s/\s?)?|/s/\s{{0,2}}"
    r"|\b(?i:signed|executed|delivered|witnessed|acknowledged|prepared|supervised|guaranteed|appointed|owned|made"
    r"|chaired"
    r"|represented|seconded|proposed|written|sworn|attested|authored|led|headed|conducted|given|owed|accompanied"
    r"|approved|drawn up|held|granted|issued|proved)"
    r"(?: (?i:as a deed))?(?: and delivered)? (?i:by)(?: the said)? "
    rf"|\b(?i:my|his|her|their|our|your) (?:late |said )?(?:\w+ )?{RELATIVES},? "
    r"|\b(?:[Nn]amed|the (?:said|late)|of me|called|(?i:appoints?|appointed|employs?|engages?|ring|telephone|initially"
    r"|namely|contact|instructed|estate of|dear|knowledge of|behalf of|opposite|email|ask|consult|notify|inform)) "
    r"|\bbetween (?=[^,.]{4,40},? (?:an|of|and|residing) )"
    rf"|\b(?:{_ROLES}|counsel|surveyor|accountant|liquidator|expert|mediator|driver|teacher)s?"
    r"(?:,| is| was| will be| shall be|:) "
    r")(?:(?:Mr|Mrs|Ms|Dr|Prof|Hon)\.? )?$"
)
TRAILS = re.compile(
    r",? (?:an? (?:individual|adult|natural person|citizen|resident|married|single|private individual|Indian"
    r"|British|Irish)"
    r"|(?:currently |now )?residing|resident (?:at|of|in)|who (?:resides|lives)|born|aged"
    r"|as (?:sole )?(?:trustee|executor|guarantor)|and (?:his|her) (?:wife|husband|spouse)"
    r"|(?:its|the|our|their|then|then its) (?:[Cc]hief|[Pp]resident|[Dd]irector|[Mm]anaging|[Ss]ecretary"
    r"|[Gg]eneral [Cc]ounsel|[Vv]ice|[Cc]hair))\b"
    rf"|(?:,| [—\u2013-]) (?:{_LARGE_ROLES}|(?:an? |the )?{_SMALL_ROLES})\b"
    rf"| \((?:the |an? )?(?:{_LARGE_ROLES}|{_SMALL_ROLES}|DIN|[Pp]assport|date of birth|d\.o\.b|DOB|born|aged|Ret)\b"
    r"|,? \((?:together|collectively|jointly|each|both)\b"
    r"|,? \((?:hereinafter |hereafter |referred to as |called )*(?:the |an? )?[“\"](?:the )?(?:Key |Selling "
    r"|Junior |Senior )?"
    rf"(?i:{_ROLES}|person|principal|individual|indemnitee)s?[”\"]"
    r"|\n+(?:Title|Its|Director|President|Chief|Managing|Secretary|Chair|Authori[sz]ed|Date of [Bb]irth|Vice"
    r"|Company Secretary|Partner|General Counsel|Treasurer)\b"
    r"|,? of \[(?:ADDRESS|COMPANY)_|[, —\u2013\n(:<]{1,3}\[(?:ADDRESS|EMAIL|PHONE)_"
    r"|,? (?:at|on|via|by (?:e-?mail|telephone|phone) (?:at|to|on)) \[(?:EMAIL|PHONE)_"
)
