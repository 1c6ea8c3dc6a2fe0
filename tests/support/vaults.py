"""Vaults for tests: the demo's, and JSONL files of invented clauses, as many as are wanted."""

from pathlib import Path

import msgspec

from tests.support.admin import unique

DEMO_VAULTS = Path(__file__).parents[2] / "gateway" / "demo" / "vaults"
_FRUIT = ("apples", "pears", "plums", "figs", "quinces", "medlars", "damsons")


def clause(number: int) -> str:
    """One of as many different clauses as are wanted."""
    fruit = _FRUIT[number % len(_FRUIT)]
    return (
        f"{number}.1. Delivery Of The Crop. The Keeper shall deliver {number} baskets of {fruit} to the Owner prior "
        f"to the first day of October, and shall furnish to the Owner a receipt therefor. In the event that fewer than "
        f"{number} baskets are delivered, the Keeper shall pay to the Owner the value thereof.\n\n"
        f"{number}.2. Loss. The Keeper shall notify the Owner forthwith upon the loss of any {fruit} hereunder, and "
        f"shall indemnify and hold harmless the Owner from any and all claims arising out of such loss."
    )


def write_vault(path: Path, ready: int, other: int = 0) -> Path:
    """A Vault of `ready` ready chunks and `other` that are not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        msgspec.json.encode(
            {
                "chunk_id": f"deed-{number // 5}:{number:04}",
                "document_id": f"deed-{number // 5}",
                "title": "Deed",
                "position": number,
                "status": "ready" if number <= ready else "pending",
                "text": clause(number),
            },
        )
        for number in range(1, ready + other + 1)
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def texts(vault: Path) -> list[str]:
    """The texts of a Vault's ready chunks."""
    chunks = [msgspec.json.decode(line) for line in vault.read_bytes().splitlines()]
    return [chunk["text"] for chunk in chunks if chunk["status"] == "ready"]


def record(number: int, **changed: object) -> dict[str, object]:
    """A chunk as a Vault has it; `...` takes a field away."""
    made: dict[str, object] = {
        "chunk_id": f"deed:{number:04}",
        "document_id": "deed",
        "title": "Deed of Gift",
        "position": number,
        "status": "ready",
        "text": clause(number),
        **changed,
    }
    return {name: value for name, value in made.items() if value is not ...}


def jsonl(*records: dict[str, object]) -> bytes:
    """Records as lines."""
    return b"".join(msgspec.json.encode(each) + b"\n" for each in records)


def demo_vault(data_dir: Path) -> Path:
    """The demo's, texts that differ, where the gateway of this data directory may read it; a file of its own."""
    vault = data_dir / "vaults" / f"{unique('brightwater')}.jsonl"
    vault.parent.mkdir(exist_ok=True)
    vault.write_bytes((DEMO_VAULTS / "brightwater.jsonl").read_bytes())
    return vault
