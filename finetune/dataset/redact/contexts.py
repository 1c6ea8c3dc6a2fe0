"""Where contracts name a person: what stands right before a name and right after it. Patterns only."""

import re

_ROLES = (
    r"(?:Chief|President|(?:[A-Z]\w+ )?Director|Managing|Company Secretary|General Counsel|Vice[ -]President"
    r"|Executive|Senior|Chair|Secretary"
    r"|Treasurer|Partner|Group|Head of|Trustee|Attorney|Solicitor|Manager|Counsel|Notary|Founder|Controller"
    r"|Principal|Esq)"
)
_SMALL_ROLES = (
    r"(?:director|partner|solicitor|secretary|witness|trustee|barrister|attorney|advocate|notary|accountant"
    r"|consultant|employee|manager"
    r"|trainee|associate|liquidator|receiver|administrator|executor|executrix|shareholder|founder|chair|president"
    r"|spouse|wife|husband)"
)
RELATIVES = (
    r"(?:wife|husband|spouse|son|daughter|brother|sister|nephew|niece|cousin|friend|mother|father|child|children"
    r"|grandson|granddaughter"
    r"|partner|neighbour|executor|trustee|attorney|solicitor|agent|nominee|client)"
)

LEADS = re.compile(
    r"(?:\b(?:Attention|ATTENTION|[Aa]ttn|ATTN|F\.?A\.?O|[Ff]or the attention of|[Cc]are of)\b\.?:?\s+|\b[Cc]/[Oo]:? "
    r"|\b(?:(?:[Pp]rint(?:ed)? )?(?:[Nn]ame|NAME)(?: of [\w ]{2,20})?|[Bb]y|BY|[Ss]igned|SIGNED|[Ww]itness(?:es)?"
    r"|WITNESS|[Dd]irectors?|[Ss]ecretary"
    r"|[Ss]ignature|[Ss]ignator(?:y|ies)|[Cc]ontact|[Tt]rustees?|[Ee]xecutors?|[Aa]ttorney|[Gg]uarantors?"
    r"|[Tt]enants?|[Ee]mployee|[Ee]xecutive"
    r"|[Cc]onsultant|[Ll]andlord|[Ss]ellers?|[Bb]uyers?|[Vv]endors?|[Pp]urchasers?|[Bb]orrower|[Ss]ettlor|[Cc]lient"
    r"|[Ll]icensor|[Ll]icensee|[Mm]anager"
    r"|[Rr]epresentative|[Pp]artners?|[Pp]resident|[Oo]fficer|[Ss]hareholders?|[Ii]nvestor|[Ii]nventor|[Aa]uthor"
    r"|[Aa]rbitrator|[Ss]olicitor"
    r"|[Cc]hair(?:man|woman|person)?|[Oo]wner|[Ee]ngineer|[Cc]opy to|cc|Notary Public|[Pp]resent|[Aa]pologies"
    r"|[Ii]n attendance|[Tt]o|[Ff]rom)\s?:\s{1,2}(?:_+ ?)?(?:/s/\s?)?"
    r"|/s/\s{0,2}"
    r"|\b(?:[Ss]igned|[Ee]xecuted|[Dd]elivered|[Ww]itnessed|[Aa]cknowledged|[Pp]repared|[Ss]upervised|[Gg]uaranteed"
    r"|[Aa]ppointed|[Oo]wned|[Mm]ade|SIGNED|EXECUTED)"
    r"(?: (?:as a deed|AS A DEED))?(?: and delivered)? (?:by|BY)(?: the said)? "
    r"|\b(?:[Mm]y|[Hh]is|[Hh]er|[Tt]heir|our|your) (?:late |said )?(?:\w+ )?REL,? |\b(?:[Nn]amed|the (?:said|late)"
    r"|of me|called) "
    r"|\b(?:[Aa]ppoints?|[Aa]ppointed|[Ee]mploys?|[Ee]ngages?|[Rr]ing|[Tt]elephone|APPOINT|[Ii]nitially|[Nn]amely"
    r"|[Cc]ontact) "
    r"|\bbetween (?=[^,.]{4,40},? (?:an|of|and|residing) )|\b(?:actual )?knowledge of |\b[Dd]ear "
    r"|\b(?:director|chairman|chairwoman|president|secretary|trustee|solicitor|counsel|manager|engineer|architect"
    r"|surveyor|executor|accountant|liquidator|witness"
    r"|employee|consultant|founder|owner|partner|officer|chair|tenant|guarantor|settlor|arbitrator|mediator"
    r"|expert)s?(?:,| is| was| will be| shall be|:) )"
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Hon)\.? )?$".replace("REL", RELATIVES)
)
TRAILS = re.compile(
    r",? (?:an? (?:individual|adult|natural person|citizen|resident|married|single|private individual|Indian"
    r"|British|Irish)|(?:currently |now )?residing"
    r"|resident (?:at|of|in)|who (?:resides|lives)|born|aged|as (?:sole )?(?:trustee|executor|guarantor)|and (?:his"
    r"|her) (?:wife|husband|spouse)"
    rf"|(?:its|the|our|their|then|then its) (?:[Cc]hief|[Pp]resident|[Dd]irector|[Mm]anaging|[Ss]ecretary"
    rf"|[Gg]eneral [Cc]ounsel|[Vv]ice|[Cc]hair))\b"
    rf"|(?:,| [—\u2013-]) {_ROLES}\b"
    rf"|(?:,| [—\u2013-]) (?:an? |the )?{_SMALL_ROLES}\b"
    rf"| \((?:the |an? )?(?:{_ROLES}|{_SMALL_ROLES}|DIN|[Pp]assport|date of birth|d\.o\.b|DOB|born|aged|Ret"
    rf"|(?:each,? an? |each |together,? (?:the )?|collectively,? (?:the )?)?[“\"](?:the )?(?:Key |Selling |Junior "
    rf"|Senior )?(?:Executive|Employee|Consultant"
    r"|Guarantor|Founder|Settlor|Testator|Claimant|Plaintiff|Defendant|Respondent|Petitioner|Person|Principal"
    r"|Individual|Indemnitee|Optionee|Participant|Assignor"
    r"|Shareholder|Stockholder|Manager|Author|Artist|Trustee|Covenantor|Donor|Donee))"
    r"|\n+(?:Title|Its|Director|President|Chief|Managing|Secretary|Chair|Authori[sz]ed|Date of [Bb]irth|Vice"
    r"|Company Secretary|Partner|General Counsel|Treasurer)\b"
    r"|,? of \[(?:ADDRESS|COMPANY)_|[, —\u2013\n(]{1,3}\[(?:ADDRESS|EMAIL|PHONE)_|, (?:at|on) \[(?:EMAIL|PHONE)_"
)
