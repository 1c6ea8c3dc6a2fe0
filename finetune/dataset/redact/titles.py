"""Titles that come before a name. Data, and the patterns made of it."""

from finetune.dataset.redact.scanning import by_letter

_TITLES = """
    Mr Mrs Ms Miss Mx Messrs Cllr Councillor Dr Prof Professor Sir Dame Lord Lady Hon Honourable Honorable
    Justice Judge Senator Capt Captain Colonel Col Maj Lt Sgt Rev Reverend Father Fr Rabbi Imam Pandit Shri Sri
    Smt Alhaji Sheikh Datuk Dato Madam Eng Herr Frau Mag Ing Mme Monsieur Madame Maître Baroness Viscount
    Pastor Bishop Inspector Aunt Uncle Signor Signora Señor
    Señora Doña
    MR MRS MS MISS DR SIR DAME LORD LADY PROF HON JUSTICE REV CAPT
"""

TITLE_WORDS = frozenset(_TITLES.split())
TITLE = rf"(?:{'|'.join(sorted(TITLE_WORDS, key=lambda word: (-len(word), word)))})\b\.?"
TITLE_START = by_letter(word + end for word in sorted(TITLE_WORDS) for end in (" ", ". "))
