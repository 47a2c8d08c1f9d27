"""What the benches' commands share: which parts were asked for, how busy the machine is, and what is printed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from loa.errors import LoaError


def parts(only: str, known: Sequence[str]) -> list[str]:
    """``pages,crowd`` → those parts; all of them where none is named. Raises LoaError for one that does not exist."""
    asked = only.split(",") if only else list(known)
    if unknown := set(asked) - set(known):
        raise LoaError(
            f"Không có phần đo “{', '.join(sorted(unknown))}”. Hãy chọn trong: {', '.join(known)}."
        )
    return asked


def tell(figures: Iterable[object], json: Path | None = None) -> None:
    """Print each figure as soon as it is known, between two looks at the machine's load; all of them to a file too."""
    say_load("Trước khi đo")
    found = []
    for figure in figures:
        print(figure, flush=True)
        found.append(figure)
    if json:
        write(found, json)
    say_load("Sau khi đo")


def write(found: object, json: Path) -> None:
    """Into a file that people can read too."""
    json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))


def say_load(when: str) -> None:
    print(f"{when}: tải máy {os.getloadavg()[0]:.2f}, {os.cpu_count()} nhân", flush=True)
