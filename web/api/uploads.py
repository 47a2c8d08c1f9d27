"""Recordings somebody made, sent to be part of a bulletin."""

from __future__ import annotations

from sqlalchemy.orm import Session

from content import uploads
from content.uploads import Upload
from loa.errors import ContentError, NotFound
from loa.tokens import Scope
from web import current
from web.api.bulletin_types import UploadItem, UploadQuery
from web.api.receiving import Received
from web.api.routes import Route
from web.api.wire import moment


def create(session: Session, query: UploadQuery, upload: Received) -> UploadItem:
    if query.sha256 not in (None, upload.sha256):
        raise ContentError(
            f"Tệp đến nơi có SHA-256 {upload.sha256[:12]}…, khác với giá trị đã khai. Hãy gửi lại.",
            field="sha256", code="hash_wrong",
        )  # fmt: skip
    uploads.keep(current.config(), upload.path, upload.sha256)
    uploads.note(session, [upload.sha256], current.now())
    return show(session, upload.sha256)


def show(session: Session, sha256: str) -> UploadItem:
    found = uploads.get(session, sha256) if sha256.isalnum() else None
    if found is None:
        raise NotFound("Đài không có tệp này. Hãy gửi lại lên /uploads.")
    return _item(found)


def _item(upload: Upload) -> UploadItem:
    return UploadItem(
        sha256=upload.sha256, received_at=moment(upload.received_at), examined=upload.examined_at is not None,
        ms=upload.ms, problem=upload.problem,
    )  # fmt: skip


READ, WRITE = Scope.BULLETINS_READ, Scope.BULLETINS_WRITE
ROUTES = (
    Route("POST", "/uploads", create, "Send a recording, the file itself as the body.", WRITE, 201),
    Route("GET", "/uploads/<sha256>", show, "A recording that was sent, and what a full decode found.", READ),
)  # fmt: skip
