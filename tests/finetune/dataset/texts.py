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


def clause(number: int) -> str:
    """One of as many different clauses as are wanted."""
    fruit = ("apples", "pears", "plums", "figs", "quinces", "medlars", "damsons")[number % 7]
    return (
        f"{number}.1. Delivery Of The Crop. The Keeper shall deliver {number} baskets of {fruit} to the Owner prior "
        f"to the first day of October, and shall furnish to the Owner a receipt therefor. In the event that fewer than "
        f"{number} baskets are delivered, the Keeper shall pay to the Owner the value thereof.\n\n"
        f"{number}.2. Loss. The Keeper shall notify the Owner forthwith upon the loss of any {fruit} hereunder, and "
        f"shall indemnify and hold harmless the Owner from any and all claims arising out of such loss."
    )


def vault(size: int) -> list[Chunk]:
    return [chunk(clause(number), number, document=f"deed-{number // 5}") for number in range(1, size + 1)]
