"""The last pass: the examples of each passage → the files of a data set, in a local folder.

What may go into a file and what was left out is decided and counted here. How an example is made is a Writer's
matter; where the files go from here is artifacts.py's.
"""

from collections import Counter as Multiset
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec

from finetune.dataset.artifacts import DOCUMENTS, EXAMPLES, MANIFEST_CHUNKS, TRAIN, VALIDATION
from finetune.dataset.count import TOKENS_PER_EXAMPLE, Counter
from finetune.dataset.documents import Documents
from finetune.dataset.passages import Matter
from finetune.dataset.phrasings import stable_hash
from finetune.dataset.redact import placeholders
from finetune.dataset.sample import Sample
from finetune.dataset.seen import Seen
from finetune.dataset.signatures import bare_words
from finetune.dataset.values import BuildSettings, Example, ManifestChunk, Side

_encoder = msgspec.json.Encoder()


class SideFile:
    """train.jsonl or validation.jsonl while it is written, and what is in it."""

    def __init__(self, path: Path) -> None:
        self.kinds: Multiset[str] = Multiset()
        self.size = self.tokens = 0
        self.answers = Seen()
        self._file = path.open("wb")
        self._digest = sha256()

    @property
    def examples(self) -> int:
        return self.kinds.total()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, line: bytes, kind: str, tokens: int) -> None:
        self._file.write(line)
        self._digest.update(line)
        self.size += len(line)
        self.tokens += tokens
        self.kinds[kind] += 1

    def close(self) -> None:
        self._file.close()


class Writing:
    """`folder` is the caller's, who removes it. `full`: a file has reached its limit, and nothing more is taken."""

    def __init__(self, folder: Path, settings: BuildSettings, counter: Counter) -> None:
        self.training = SideFile(folder / TRAIN)
        self.validation = SideFile(folder / VALIDATION)
        self.skipped: Multiset[str] = Multiset()
        self.full = False
        self._folder = folder
        self._settings = settings
        self._count = counter.count
        self._chunks = (folder / MANIFEST_CHUNKS).open("wb")
        self._documents = Documents(folder)
        self._sample = Sample(settings.sample_size)
        self._answers = Seen()

    def take(self, matter: Matter, made: Iterable[Example | str], cluster: int, side: Side) -> None:
        """The examples of one passage."""
        written = sum(self._take_example(one, side) for one in made)
        if written:
            self._documents.add(matter.document_id)
            line = ManifestChunk(matter.chunk_id, matter.document_id, matter.sha256, cluster, side, written)
            self._chunks.write(_encoder.encode(line) + b"\n")

    def finish(self) -> None:
        """Writes what can only be written when all is known, and closes."""
        self._chunks.close()
        for name, lines in ((DOCUMENTS, self._documents), (EXAMPLES, self._sample)):
            with (self._folder / name).open("wb") as file:
                file.writelines(_encoder.encode(line) + b"\n" for line in lines)
        self.close()

    def close(self) -> None:
        for file in (self._chunks, self.training, self.validation):
            file.close()

    def _take_example(self, made: Example | str, side: Side) -> bool:
        if isinstance(made, str):
            self.skipped[made] += 1
            return False
        here, there = self.training, self.validation
        if side == "validation":
            here, there = there, here
        line = encode_example(made) + b"\n"
        reason = self._why_not(made, len(line), here, there)
        if reason:
            self.skipped[reason] += 1
            return False
        here.write(line, made.kind, self._count(made.user) + self._count(made.assistant) + TOKENS_PER_EXAMPLE)
        self._sample.offer(made, side)
        return True

    def _why_not(self, example: Example, size: int, here: SideFile, there: SideFile) -> str:
        settings = self._settings
        if max(len(example.user), len(example.assistant)) > settings.max_turn_chars:
            return "too_long"
        if not placeholders(example.assistant) <= placeholders(example.user):
            return "placeholder"
        allowed = (here.examples + 1) * settings.extract_share
        if example.kind == "extract-clauses" and here.kinds[example.kind] + 1 > allowed:
            return "extract_share"
        if here.size + size > settings.max_file_bytes:
            self.full = True
            return "file_full"
        return "" if self._is_new(example, here, there) else "repeated_answer"

    def _is_new(self, example: Example, here: SideFile, there: SideFile) -> bool:
        """Once of each kind; and nothing is validated on that is trained on."""
        words = bare_words(example.assistant)
        key = stable_hash(words)
        if key in there.answers or not self._answers.add(stable_hash(f"{example.kind} {words}")):
            return False
        here.answers.add(key)
        return True


def encode_example(example: Example) -> bytes:
    """One line of the training file, as the providers' chat format has it."""
    turns = (("user", example.user), ("assistant", example.assistant))
    return _encoder.encode({"messages": [{"role": role, "content": content} for role, content in turns]})
