"""Voice files for Piper: which lie in the voices folder, what they are, what their licence says."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

import msgspec

from loa.words import say

MOST_NAME_CHARACTERS = 32
SHOWN_CHARACTERS = 200
KNOWN = {
    "ec7c89e2c85f4d1edc24b6120c18aaf1bda614f06b511567eb9c7c0de15e2dab": say(
        "CC BY 4.0, dữ liệu VAIS-1000"
    ),
}
"""Licence by the hash of the file. VAIS-1000: vi_VN-vais1000-medium, 63,201,294 bytes."""
UNKNOWN = say("chưa rõ giấy phép; hãy kiểm tra trước khi dùng")
CARDS = ("MODEL_CARD", "MODEL_CARD.md", "MODEL_CARD.txt", "LICENSE", "LICENSE.md", "LICENSE.txt")


class Model(msgspec.Struct, frozen=True):
    """A voice file, and the .json beside it."""

    path: Path
    name: str
    """Name of the voice: "piper" for the first file, "piper:<file>" for each other one."""

    @property
    def config(self) -> Path:
        return _config(self.path)

    def sha256(self) -> str:
        """Of the voice file; OSError when it is gone."""
        return _sha256(self.path)

    def version(self) -> str:
        """What it speaks like: the hashes of both files. OSError when one is gone."""
        return f"{_sha256(self.path)} {_sha256(self.config)}"

    def size(self) -> int:
        """Bytes; OSError when the file is gone."""
        return self.path.stat().st_size

    def licence(self) -> str:
        """By the known hash, else as a file beside it says, else that it is not known."""
        return KNOWN.get(self.sha256()) or _carded(self.path) or UNKNOWN


def models(folder: Path) -> list[Model]:
    """The voice files in ``folder`` that have their .json, by name; none where there is no folder."""
    found = sorted(path for path in folder.glob("*.onnx") if path.is_file() and _ready(path))
    names: list[str] = []
    for path in found:
        names.append(_name(path, names))
    return [Model(path.absolute(), name) for path, name in zip(found, names, strict=True)]


def _config(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _ready(path: Path) -> bool:
    return _config(path).is_file()


def _name(path: Path, taken: list[str]) -> str:
    if not taken:
        return "piper"
    plain = re.sub(r"[^\w.-]+", "-", path.stem)
    name = f"piper:{plain}"[:MOST_NAME_CHARACTERS]
    if name not in taken:
        return name
    mark = hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"{name[: MOST_NAME_CHARACTERS - 7]}-{mark}"


def _sha256(path: Path) -> str:
    facts = path.stat()
    return _hashed(path, facts.st_mtime_ns, facts.st_size)


@functools.lru_cache(64)
def _hashed(path: Path, _mtime_ns: int, _size: int) -> str:
    """Half a second for a voice of 60 MB, so once for each state of the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _carded(path: Path) -> str | None:
    """What <stem>.txt, MODEL_CARD or LICENSE beside ``path`` says: its line on the licence, else its start."""
    for name in (f"{path.stem}.txt", *CARDS):
        card = path.with_name(name)
        if card.is_file():
            with card.open(encoding="utf-8", errors="replace") as file:
                text = file.read(10_000)
            found = re.search(
                r"^.*(?:licen[cs]e|giấy phép).*\w", text, re.IGNORECASE | re.MULTILINE
            )
            words = " ".join((found.group(0) if found else text).split())
            if words:
                return say(
                    "theo tệp %(name)s: %(licence)s", name=name, licence=words[:SHOWN_CHARACTERS]
                )
    return None
