"""What a teacher has answered, so that nothing is paid for twice: segments under an fsspec URL, a copy on local disk.

A segment holds some hundreds of answers, is written once under a name of its own and never changed; any number of
workers write beside each other. One that is torn or damaged is passed over. What is asked is not known here.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import IO
from uuid import uuid4
from zlib import compress, decompress

import fsspec
import msgspec
import structlog

log = structlog.get_logger(__name__)

FLUSH_ANSWERS = 256
FLUSH_SECONDS = 30.0

_SUFFIX = ".answers"
_MAGIC = b"HSTA1\n"
_DIGEST_BYTES = 32
_READERS = 8
_READ_AT_ONCE = 64
_LOCAL_CACHE_KIB = 65_536

_Answers = list[tuple[bytes, bytes]]
_SEGMENT = msgspec.msgpack.Decoder(_Answers)

_CREATE = "CREATE TABLE answers (digest BLOB PRIMARY KEY, answer BLOB NOT NULL)"
_PUT = """\
INSERT INTO answers VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET answer = min(answer, excluded.answer)"""
_GET = "SELECT answer FROM answers WHERE digest = ?"
_HAS = "SELECT 1 FROM answers WHERE digest = ?"


def encode_segment(answers: _Answers) -> bytes:
    body = compress(msgspec.msgpack.encode(answers))
    return _MAGIC + sha256(body).digest() + body


def decode_segment(data: bytes) -> _Answers | None:
    """None where it is not, to the last byte, what `encode_segment` made."""
    start = len(_MAGIC) + _DIGEST_BYTES
    body = data[start:]
    if data[:start] != _MAGIC + sha256(body).digest():
        return None
    return _SEGMENT.decode(decompress(body))


class TeacherCache:
    """For one thread at a time. Of several answers to one question the smallest counts, in whatever order they came.

    Everything raises OSError where the folder or the local disk fails.
    """

    def __init__(self, url: str) -> None:
        self._filesystem, folder = fsspec.core.url_to_fs(url)
        self._folder = folder.rstrip("/")
        self._read: set[str] = set()
        self._unflushed: _Answers = []
        self._unflushed_since = 0.0
        with _told():
            # A file without a name, gone with this process.
            self._local = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for pragma in (f"cache_size = -{_LOCAL_CACHE_KIB}", "journal_mode = OFF", "synchronous = OFF"):
                self._local.execute(f"PRAGMA {pragma}")
            self._local.execute(_CREATE)

    def close(self) -> None:
        self._local.close()

    def __contains__(self, digest: bytes) -> bool:
        with _told():
            return self._local.execute(_HAS, (digest,)).fetchone() is not None

    def get(self, digest: bytes) -> str | None:
        with _told():
            row = self._local.execute(_GET, (digest,)).fetchone()
        return None if row is None else row[0].decode()

    def put(self, digest: bytes, answer: str) -> None:
        """Kept here at once, in the folder with the next flush."""
        if not self._unflushed:
            self._unflushed_since = time.monotonic()
        pair = (digest, answer.encode(errors="replace"))
        self._unflushed.append(pair)
        self._keep([pair])
        if len(self._unflushed) >= FLUSH_ANSWERS:
            self.flush()

    def flush_due(self) -> None:
        """Flushes what has waited long enough."""
        if self._unflushed and time.monotonic() - self._unflushed_since >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what the folder does not have yet, as one segment."""
        if not self._unflushed:
            return
        name = f"{uuid4().hex}{_SUFFIX}"
        self._filesystem.makedirs(self._folder, exist_ok=True)
        file: IO[bytes]
        with self._filesystem.open(f"{self._folder}/{name}", "wb") as file:
            file.write(encode_segment(self._unflushed))
        self._read.add(name)
        self._unflushed = []

    def refresh(self) -> None:
        """Reads what others have written since."""
        names = sorted(set(self._listed()) - self._read)
        with ThreadPoolExecutor(_READERS, thread_name_prefix="teacher-cache") as pool:
            for start in range(0, len(names), _READ_AT_ONCE):
                some = names[start : start + _READ_AT_ONCE]
                for name, answers in zip(some, pool.map(self._segment, some), strict=True):
                    self._keep(answers)
                    self._read.add(name)

    def _listed(self) -> Iterator[str]:
        self._filesystem.invalidate_cache(self._folder)
        with contextlib.suppress(FileNotFoundError):
            for path in self._filesystem.ls(self._folder, detail=False):
                if str(path).endswith(_SUFFIX):
                    yield str(path).rpartition("/")[2]

    def _segment(self, name: str) -> _Answers:
        try:
            data: bytes = self._filesystem.cat_file(f"{self._folder}/{name}")
        except FileNotFoundError:
            return []  # its time ended meanwhile
        answers = decode_segment(data)
        if answers is None:
            log.warning("teacher_answers_damaged", segment=name)
        return answers or []

    def _keep(self, answers: _Answers) -> None:
        with _told():
            self._local.execute("BEGIN")
            self._local.executemany(_PUT, answers)
            self._local.execute("COMMIT")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """The local copy's errors as what any file's are."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(f"the local copy of the teacher's answers: {error}") from error
