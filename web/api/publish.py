"""Writes the OpenAPI document: ``python -m web.api.publish docs/openapi.json``."""

from __future__ import annotations

import sys
from pathlib import Path

from web.api import openapi


def main(file: Path) -> None:
    file.write_text(openapi.text(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
