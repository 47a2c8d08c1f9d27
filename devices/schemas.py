"""The wire types as JSON Schemas, for makers of other receivers: ``python -m devices.schemas docs/schemas``.

That writes all that is made of them: asyncapi.yaml and vectors/ beside the folder too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from devices import messages
from devices.receiver import identity

PUBLISHED: dict[str, type[msgspec.Struct]] = {
    "plan": messages.Plan,
    "keys": messages.Keys,
    "state": messages.State,
    "events": messages.Events,
    "entry": messages.Entry,
    "evack": messages.Evack,
    "get": messages.Get,
}
"""The messages."""
FILES: dict[str, type] = {**PUBLISHED, "station": identity.Station}
"""And what a receiver is given: station.json."""


def documents() -> dict[str, str]:
    """File name → JSON Schema (draft 2020-12) text of each message."""
    return {
        f"{name}.schema.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)},
            indent=2, ensure_ascii=False,
        ) + "\n"
        for name, kind in FILES.items()
    }  # fmt: skip


def main(folder: Path) -> None:
    """Write every schema into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    from devices import asyncapi, vectors  # made of the same types, and of PUBLISHED above

    main(Path(sys.argv[1]))
    asyncapi.main(Path(sys.argv[1]).parent / "asyncapi.yaml")
    vectors.main(Path(sys.argv[1]).parent / "vectors")
