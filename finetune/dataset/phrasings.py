"""The many ways in which somebody may ask for each kind of text. Data, and the choice among it.

`{text}` is the matter, `{heading}` a clause's title. The choice hangs on the chunk alone, so that the same
Vault always makes the same data set.
"""

from hashlib import blake2b

REPHRASE = (
    "Rewrite this in our house style:\n\n{text}",
    "Put the following into the firm's own wording.\n\n{text}",
    "How would we draft this?\n\n{text}",
    "Please redraft in our usual style, keeping the meaning:\n\n{text}",
    "{text}\n\nRephrase the above as the firm would write it.",
    "Here is a rough version. Give me ours.\n\n{text}",
    "Turn this into our standard language:\n\n{text}",
    "Same content, our voice, please:\n\n{text}",
    "Rephrase as one of our own clauses:\n\n{text}",
    "The other side sent this passage. Restate it in the firm's style without changing its effect.\n\n{text}",
    "{text}\n\nThat reads wrong for us. Rewrite it the way our documents do.",
    "Convert this draft to house style. Keep all names, numbers and references.\n\n{text}",
    "Edit for house style:\n\n{text}",
    "I need this in the wording that we always use:\n\n{text}",
    "Draft text follows. Return it as it would stand in one of our documents.\n\n{text}",
    "Restate in the firm's voice: {text}",
)

EXTRACT = (
    "Extract the “{heading}” clause from this passage, word for word:\n\n{text}",
    "{text}\n\nQuote the part headed “{heading}” in full.",
    "Find “{heading}” below and give me its exact text.\n\n{text}",
    "From the following, copy out only the provision on {heading}.\n\n{text}",
    "What does the document say under “{heading}”? Answer with the clause itself.\n\n{text}",
    "Pull the {heading} clause:\n\n{text}",
    "Return the clause titled “{heading}” verbatim and nothing else.\n\n{text}",
    "{text}\n\nWhich clause above deals with {heading}? Reproduce it exactly.",
    "I need the wording of “{heading}”. The document reads:\n\n{text}",
    "Please extract one clause, “{heading}”, with no changes:\n\n{text}",
    "Isolate the section “{heading}” from this excerpt.\n\n{text}",
    "Excerpt:\n\n{text}\n\nGive the full text of “{heading}”.",
    "Clause wanted: {heading}. Source:\n\n{text}",
    "Look through this and hand back the {heading} provision as it stands.\n\n{text}",
)

SUMMARIZE = (
    "Summarize this:\n\n{text}",
    "Summarise the following in our style.\n\n{text}",
    "Give me the short version:\n\n{text}",
    "{text}\n\nSum this up the way the firm would.",
    "What does this section come to, in brief?\n\n{text}",
    "Write the summary that goes at the head of this section:\n\n{text}",
    "Please prepare our usual lead-in for the text below.\n\n{text}",
    "Condense this as we would for a client:\n\n{text}",
    "In a few sentences, what does this say?\n\n{text}",
    "Introduce the following provisions briefly.\n\n{text}",
    "{text}\n\nSummary, please, in house style.",
    "State the gist of this:\n\n{text}",
    "Boil this down for the reader:\n\n{text}",
)

DRAFT = (
    "Draft this from the outline:\n\n{text}",
    "Write this up in full, in our style:\n\n{text}",
    "Here are my notes. Turn them into finished text.\n\n{text}",
    "{text}\n\nPlease draft from these points.",
    "Prepare the wording for a document, using this outline:\n\n{text}",
    "Work these notes up into our usual language:\n\n{text}",
    "Below is what the passage must cover. Draft it.\n\n{text}",
    "Using the firm's standard style, draft text along these lines:\n\n{text}",
    "Expand into full provisions:\n\n{text}",
    "Outline for drafting:\n\n{text}\n\nWrite it out.",
    "How would we write this? Points to cover:\n\n{text}",
    "Draft, please. The bones of it:\n\n{text}",
    "I have only this skeleton. Give me the text as we would send it.\n\n{text}",
    "Please write the section that these notes describe:\n\n{text}",
)


def phrase(phrasings: tuple[str, ...], key: str, text: str, heading: str = "") -> str:
    """One of `phrasings`, chosen by `key`, filled in."""
    before, _, after = phrasings[stable_hash(key) % len(phrasings)].partition("{text}")
    return before.replace("{heading}", heading) + text + after.replace("{heading}", heading)


def stable_hash(key: str) -> int:
    """The same 64 bits for the same key, on every machine and in every run."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest())
