from __future__ import annotations

from pathlib import Path

from devices import schemas

FOLDER = Path(__file__).parent.parent.parent / "docs" / "schemas"


def test_the_published_schemas_are_those_of_the_code() -> None:
    """Out of date? Run ``python -m devices.schemas docs/schemas``."""
    assert {
        path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()
    } == schemas.documents()
