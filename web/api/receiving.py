"""A file on its way in: the body of a call as it is, written to disk as it arrives, hashed meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import request

from loa.errors import ContentError
from web.api.refusals import NotJson
from web.transfers import SPARE_BYTES
from web.uploads import Request

MEDIA = "application/octet-stream"
BLOCK = 1 << 16


@dataclass(frozen=True)
class Received:
    """A file in the work folder, which is gone after the call unless it was kept."""

    path: Path
    sha256: str
    size: int


def receive() -> Received:
    """The body of this call. Raises NotJson where it is said to be something else; 413 where it is too large."""
    if request.mimetype != MEDIA and not request.mimetype.startswith("audio/"):
        raise NotJson(
            f"Nội dung gửi lên được khai là “{request.mimetype[:80] or 'không rõ'}”. "
            f"Hãy gửi nguyên tệp ghi âm với tiêu đề Content-Type: {MEDIA}."
        )
    file = cast(Request, request).begin_incoming()
    _demand_room(file.path.parent, request.content_length or 0)
    while block := request.stream.read(BLOCK):
        file.write(block)
    file.flush()
    return Received(file.path, file.sha256, file.path.stat().st_size)


def _demand_room(folder: Path, length: int) -> None:
    """Raise ContentError where the disk would be too full for the sound that is made of the file."""
    if shutil.disk_usage(folder).free < length + SPARE_BYTES:
        raise ContentError(
            "Ổ đĩa của đài sắp đầy nên chưa nhận được tệp này. Hãy báo quản trị.", code="disk_full"
        )
