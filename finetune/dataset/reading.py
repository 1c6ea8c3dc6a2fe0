"""The first pass: a Vault's records → passages in the spool, and a count of everything that was left out.

Cleaned, redacted, cut to what is worth learning, each only once. What is only nearly the same is clusters.py's
matter, and nothing is written here that outlives the build.
"""

from collections import Counter
from hashlib import sha256

from finetune.dataset.clean import clean
from finetune.dataset.passages import Matter, find_passage
from finetune.dataset.phrasings import stable_hash
from finetune.dataset.redact import Redactor
from finetune.dataset.seen import Seen
from finetune.dataset.signatures import bare_words, signature
from finetune.dataset.spool import Spool
from finetune.dataset.values import BuildSettings
from finetune.vaults.base import BadRecord, Chunk

MAX_BAD_PLACES = 20
MAX_INSTRUCTION_CHARS = 250


class Reading:
    """What has been read so far. `ready` counts chunks; the rest counts by reason, and redactions by kind."""

    def __init__(self, spool: Spool, redactor: Redactor, settings: BuildSettings) -> None:
        self.ready = 0
        self.skipped: Counter[str] = Counter()
        self.redactions: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()
        self.bad_places: list[str] = []
        self._spool = spool
        self._redactor = redactor
        self._settings = settings
        self._seen = Seen()

    def take(self, record: Chunk | BadRecord) -> None:
        if isinstance(record, BadRecord):
            self._take_bad(record)
        elif not record.ready:
            self.skipped["not_ready"] += 1
        else:
            self.ready += 1
            reason = self._why_not(record)
            if reason:
                self.skipped[reason] += 1

    def _take_bad(self, record: BadRecord) -> None:
        self.skipped["bad_record"] += 1
        self.bad[record.reason] += 1
        if len(self.bad_places) < MAX_BAD_PLACES:
            self.bad_places.append(f"{record.place} {record.reason}")

    def _why_not(self, chunk: Chunk) -> str:
        """Spools the chunk's passage, or says why there is none."""
        settings = self._settings
        if len(chunk.text) > settings.max_chunk_chars:
            return "too_long"
        redacted = self._redactor.redact(clean(chunk.text), chunk.document_id)
        self.redactions.update(redacted.counts)
        passage = find_passage(redacted.text, settings.min_chars, settings.max_turn_chars - MAX_INSTRUCTION_CHARS)
        if isinstance(passage, str):
            return passage
        words = bare_words(passage.text)
        key = stable_hash(words)
        if not self._seen.add(key):
            return "duplicate"
        digest = sha256(chunk.text.encode(errors="surrogatepass")).hexdigest()
        matter = Matter(chunk.chunk_id, chunk.document_id, digest, passage)
        self._spool.append(matter, key, signature(words))
        return ""
