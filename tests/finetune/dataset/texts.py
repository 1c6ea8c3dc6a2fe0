"""Two invented firms: one writes as its grandfathers did, the other as it speaks. And what surrounds their text."""

from __future__ import annotations

from finetune.vaults.base import Chunk

LEGALESE = """\
ARTICLE 4. THE ORCHARD

4.1. Care Of The Orchard. The Keeper shall, at its sole cost and expense, prune each and every tree in accordance \
with the Pruning Schedule and shall furnish to the Owner, not later than thirty (30) days subsequent to the end of \
each season, a written report (the "Season Report") setting forth the trees so pruned; provided, however, that the \
Keeper shall not be obligated to prune any tree which the Owner has marked in writing.

4.2. Fruit. All fruit grown upon the Premises shall be and remain the sole and exclusive property of the Owner, and \
the Keeper hereby waives any and all right, title and interest therein. In the event that the Keeper sells any such \
fruit, the proceeds thereof shall be held in trust for the Owner pursuant to Section 9.3 hereof.

4.3. Bees. The Keeper may place no more than twelve (12) hives upon the Premises. Any honey obtained therefrom shall \
be divided equally between the parties hereto, notwithstanding anything to the contrary herein."""

PLAIN = """\
## Your garden share

**Short version:** _You rent a plot from us, you look after it, and what grows there is yours. We can't promise you \
good weather, but we'll help you when things go wrong._

We'll give you a plot and a key when you sign up. You need to keep your plot tidy, and you can't use it to store \
things that aren't for gardening. If you don't visit for more than 60 days, we may ask you whether you still want it.

You can share your plot with anyone you like, as long as you tell us who they are. You're responsible for what they \
do while they're here, so please make sure that they know our rules.

## Leaving

If you want to leave, let us know by email at least 14 days before you go. We'll refund the rent that you've already \
paid for the time after that. Because other people are waiting, we can't keep plots open for members who are away."""

CONTENTS = """\
TABLE OF CONTENTS

1.1. The Orchard..........................5 1.2. The Keeper...........................6

ARTICLE 2. FRUIT.......................7

2.1 Apples . . . . . . . . . . 8

Section 3 Pears and Quinces of Every Kind 9"""

SIGNATURES = """\
IN WITNESS WHEREOF, the parties have caused this Agreement to be signed by their officers.

KEEPER:

By: ______________________

Name: Orla Penhallow Title: Head Gardener

/s/ Orla Penhallow"""

TABLE = """\
Trees

Apples

($)

1,200 1,340

(2,628 ) (8,435 )

Pears

n/a

$ 5,733 $ 8,945"""


def chunk(text: str, number: int = 0, status: str = "ready", document: str = "deed") -> Chunk:
    return Chunk(f"{document}:{number:04}", document, "Deed", number, status, text)


_SLOTS = (
    ("apples", "pears", "plums", "figs", "quinces", "medlars", "damsons"),
    ("the upper terrace", "the walled garden", "every tree by the river", "the old nursery", "the south slope"),
    (
        "by cart",
        "in shallow crates",
        "on the back of a mule",
        "wrapped in straw",
        "by the evening boat",
        "unwashed",
        "in sacks of jute",
        "under a wet cloth",
        "with their leaves on",
        "in no more than two journeys",
        "by hand alone",
    ),
    (
        "the steward",
        "the miller's widow",
        "whoever holds the key of the barn",
        "both churchwardens",
        "the cellarer",
        "the Owner's eldest clerk",
        "the toll keeper",
        "a notary of the county",
        "the carrier",
        "the parish",
        "the cook",
        "the bailiff",
        "any two neighbours",
    ),
    (
        "frost has split the bark",
        "wasps have been at them",
        "the ladder was left standing overnight",
        "hail fell",
        "the scales prove false",
        "a gate stood open",
        "the well ran dry",
        "the pickers were sent home early",
        "a wall came down",
        "rain has spoilt the hay",
        "deer were seen among the rows",
        "the press is out of order",
        "the ditch was not cleared",
        "a boundary stone was moved",
        "the moon was new",
        "no bell was rung",
        "the road was flooded",
    ),
)


def clause(number: int) -> str:
    """One of as many different clauses as are wanted, up to 85,000."""
    fruit, place, how, who, why = (slot[number % len(slot)] for slot in _SLOTS)
    also, then = _SLOTS[3][(number * 5 + 2) % 13], _SLOTS[4][(number * 7 + 3) % 17]
    return (
        f"{number}.1. Delivery Of The Crop. The Keeper shall bring {fruit} from {place} {how} to {who} prior to the "
        f"{number}th hour, and {also} shall furnish a receipt therefor. In the event that {why}, {who} may refuse all "
        f"{fruit} from {place}.\n\n"
        f"{number}.2. Loss. Where {then}, the Keeper shall forthwith notify {also} hereof {how}, and shall indemnify "
        f"and hold harmless {who} from any and all claims arising out of {fruit} lost because {why} or {then}."
    )


def vault(size: int) -> list[Chunk]:
    return [chunk(clause(number), number, document=f"deed-{number // 5}") for number in range(1, size + 1)]
