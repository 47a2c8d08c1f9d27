"""Uploads in pieces: a transfer that broke goes on where it stopped (the tus protocol, 1.0.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import shutil
from pathlib import Path
from typing import IO

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from loa import words
from loa.staff import May
from loa.times import HOUR, Instant
from loa.words import say
from web import current, transfer_store, uploads
from web.transfer_store import Begun, Transfer

bp = Blueprint("transfers", __name__)

VERSION = "1.0.0"
MOST_OPEN = 6
"""Unfinished transfers of one person."""
IDLE = HOUR
"""One left alone for so long makes room for a new one."""
SPARE_BYTES = 500 * uploads.MEGABYTE
"""Left free on the disk, for the sound that is made of the file."""
BLOCK = 1 << 16
CHECKSUMS = ("sha256", "sha1")
WRONG_CHECKSUM = 460


class Refused(Exception):
    """A step the protocol or the station does not allow; the sentence is for the person who sends."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


# --- the protocol --------------------------------------------------------------------------------


@bp.route("/tep", methods=["OPTIONS"], provide_automatic_options=False)
@current.needs(May.WRITE)
def describe() -> AnyResponse:
    """What this server can do."""
    facts = {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,termination,checksum",
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        "Tus-Max-Size": str(uploads.limit(current.config())),
    }
    return Response(status=204, headers=facts)


@bp.post("/tep", provide_automatic_options=False)
@current.needs(May.WRITE)
def begin() -> AnyResponse:
    """Begin a transfer whose length is known; its address is in Location."""
    _demand_version()
    length, name = _header_number("Upload-Length"), _file_name()
    _check_length(length)
    now, folder = current.now(), _folder()
    transfer_store.sweep(folder, now)
    _make_room(folder, now)
    transfer = transfer_store.begin(folder, Begun(current.staff().id, length, name), now)
    where = url_for("transfers.go_on", transfer_id=transfer.id)
    return Response(status=201, headers={"Location": where, "Upload-Offset": "0"})


@bp.route("/tep/<transfer_id>", methods=["HEAD"], provide_automatic_options=False)
@current.needs(May.WRITE)
def ask(transfer_id: str) -> AnyResponse:
    """How much of it is here."""
    _demand_version()
    transfer = _mine(transfer_id)
    sha256 = transfer.settle(current.config())
    facts = {"Upload-Offset": str(transfer.offset()), "Upload-Length": str(transfer.begun.length)}
    return Response(status=200, headers={**facts, **_seal(sha256)})


@bp.route("/tep/<transfer_id>", methods=["PATCH"], provide_automatic_options=False)
@current.needs(May.WRITE)
@uploads.takes_upload
def go_on(transfer_id: str) -> AnyResponse:
    """Take the next piece; the answer to the last one names the hash of the file."""
    _demand_version()
    if request.mimetype != "application/offset+octet-stream":
        raise Refused(
            415, say("Cách gửi tệp này không được hỗ trợ. Hãy tải lại trang rồi gửi lại.")
        )
    offset, transfer = _header_number("Upload-Offset"), _mine(transfer_id)
    offset = _taken(transfer, offset)
    sha256 = transfer.settle(current.config())
    transfer.touch(current.now())
    return Response(status=204, headers={"Upload-Offset": str(offset), **_seal(sha256)})


@bp.delete("/tep/<transfer_id>", provide_automatic_options=False)
@current.needs(May.WRITE)
def give_up(transfer_id: str) -> AnyResponse:
    """Forget a transfer; a file that arrived whole stays among the uploads."""
    _demand_version()
    _mine(transfer_id).drop()
    return Response(status=204)


@bp.after_request
def _name_protocol(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(Refused)
def _of_refusal(error: Refused) -> Response:
    facts = {"Tus-Version": VERSION} if error.status == 412 else {}
    return Response(words.told(error.sentence), error.status, facts, mimetype="text/plain")


@bp.errorhandler(transfer_store.Gone)
def _of_none(_error: transfer_store.Gone) -> Response:
    return _of_refusal(Refused(404, say("Lần gửi này không còn. Hãy gửi lại tệp từ đầu.")))


# --- taking a piece ------------------------------------------------------------------------------


def _taken(transfer: Transfer, offset: int) -> int:
    """Receive what goes on from ``offset``; gives how far the transfer then is. Raises Gone."""
    try:
        with transfer.held() as file:
            if transfer.sha256 or offset != file.seek(0, os.SEEK_END):
                raise Refused(
                    409, say("Phần vừa gửi không nối tiếp phần đã nhận. Hãy bấm Tiếp tục.")
                )
            return _receive(transfer, file)
    except transfer_store.Gone:
        if transfer.sha256:
            raise Refused(409, say("Tệp này đã được nhận đủ.")) from None
        raise


def _receive(transfer: Transfer, file: IO[bytes]) -> int:
    """Append the request's bytes to the part; gives how many there now are."""
    before, length = file.tell(), transfer.begun.length
    digest, wanted = transfer_store.digest(transfer, file, before), _Checksum()
    while block := request.stream.read(BLOCK):
        if file.tell() + len(block) > length:
            file.truncate(before)
            raise Refused(413, say("Tệp gửi lên dài hơn đã báo. Hãy chọn lại tệp rồi gửi lại."))
        file.write(block)
        digest.update(block)
        wanted.update(block)
    offset = file.tell()
    if not wanted.agrees():
        file.truncate(before)
        raise Refused(
            WRONG_CHECKSUM, say("Một phần tệp bị hỏng trên đường truyền. Hãy bấm Tiếp tục.")
        )
    transfer_store.remember(transfer, offset, digest)
    if offset == length:
        transfer.seal_with(digest.hexdigest(), file)
    return offset


class _Checksum:
    """What Upload-Checksum promises of this piece; where nothing is promised everything agrees."""

    def __init__(self) -> None:
        kind, _, self._wanted = request.headers.get("Upload-Checksum", "").partition(" ")
        if kind and kind not in CHECKSUMS:
            raise Refused(400, say("Cách kiểm tra tệp này không được hỗ trợ. Hãy tải lại trang."))
        self._digest = hashlib.new(kind, usedforsecurity=False) if kind else None

    def update(self, block: bytes) -> None:
        if self._digest:
            self._digest.update(block)

    def agrees(self) -> bool:
        if self._digest is None:
            return True
        found = base64.b64encode(self._digest.digest()).decode()
        return hmac.compare_digest(found, self._wanted.strip())


# --- which transfers there are -------------------------------------------------------------------


def _mine(transfer_id: str) -> Transfer:
    found = transfer_store.find(_folder(), transfer_id, current.staff().id)
    if found is None:
        raise transfer_store.Gone
    return found


def _folder() -> Path:
    return transfer_store.folder_of(current.config())


def _make_room(folder: Path, now: Instant) -> None:
    mine = transfer_store.unfinished(folder, current.staff().id)
    if len(mine) < MOST_OPEN:
        return
    if now - mine[0].touched < IDLE:
        raise Refused(
            429,
            say(
                "Bạn đang gửi dở %(count)s tệp. Hãy chờ gửi xong hoặc huỷ bớt rồi gửi tiếp.",
                count=len(mine),
            ),
        )
    mine[0].drop()


def _seal(sha256: str) -> dict[str, str]:
    return {"Upload-Sha256": sha256} if sha256 else {}


# --- what a request says -------------------------------------------------------------------------


def _demand_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refused(412, say("Trang này đã cũ. Hãy tải lại trang rồi gửi lại tệp."))


def _header_number(name: str) -> int:
    value = request.headers.get(name, "")
    if not re.fullmatch(r"\d{1,15}", value):
        raise Refused(
            400, say("Lần gửi này thiếu thông tin về tệp. Hãy tải lại trang rồi gửi lại tệp.")
        )
    return int(value)


def _file_name() -> str:
    """What its sender calls the file: `filename <base64>` among the pairs of Upload-Metadata."""
    pairs = (
        pair.strip().partition(" ")
        for pair in request.headers.get("Upload-Metadata", "").split(",")
    )
    found = {key: value for key, _, value in pairs}
    try:
        name = base64.b64decode(found.get("filename", ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(400, say("Tên tệp không đọc được. Hãy đổi tên tệp rồi gửi lại.")) from error
    return uploads.plain_name(name)


def _check_length(length: int) -> None:
    if length == 0:
        raise Refused(400, say("Tệp vừa chọn trống (0 byte). Hãy chọn lại tệp ghi âm."))
    most = current.config().web.upload_megabytes
    if length > uploads.limit(current.config()):
        raise Refused(
            413,
            say(
                "Tệp này nặng quá giới hạn %(most)s MB. Hãy nén thành MP3 hoặc chia nhỏ rồi gửi lại.",
                most=most,
            ),
        )
    if shutil.disk_usage(_folder()).free < length + SPARE_BYTES:
        raise Refused(
            507, say("Ổ đĩa của đài sắp đầy nên chưa nhận được tệp này. Hãy báo quản trị.")
        )
