"""The file, read once at start with the secrets that it names. What is in it is judged in `document.py`."""

from collections.abc import Mapping
from pathlib import Path

from gateway.bootstrap.document import Document, Named, parse, refused


def read(path: Path, environ: Mapping[str, str]) -> Document:
    """The document at `path`. Raises SettingsError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise refused(str(path), f"cannot be read: {error.strerror or type(error).__name__}") from None
    return parse(text, Named(environ, lambda name: Path(name).read_text(encoding="utf-8")))
