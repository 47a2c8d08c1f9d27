"""From an empty station to its first broadcast: what is done, what comes next, and whose work it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import InstrumentedAttribute, Session

from content.bulletins import Bulletin
from content.decisions import Decision
from devices.areas import Area
from devices.receivers import Receiver
from loa.staff import May, Role, Staff
from loa.words import say
from scheduler.broadcasts import Broadcast


@dataclass(frozen=True)
class Step:
    """One thing to be done once."""

    title: str
    says: str
    needs: May
    whose: str
    """Who does it, where the reader may not."""
    links: tuple[tuple[str, str], ...]
    """(words, address), the usual one first."""
    is_done: bool


def steps(session: Session, reader: Staff) -> tuple[Step, ...]:
    """All of them in order; none once anything was ever to be broadcast, nor for who only looks."""
    if not reader.may(May.WRITE) or _any(session, Broadcast.id):
        return ()
    return _of_admin(session) + _of_staff(session)


def next_of(found: tuple[Step, ...]) -> Step | None:
    """The first that is not done."""
    return next((step for step in found if not step.is_done), None)


def _of_admin(session: Session) -> tuple[Step, ...]:
    return (
        Step(
            say("Khai báo địa bàn"),
            say("Xã, phường và các thôn, tổ dân phố. Có danh sách trong Excel thì nhập một lần cho cả xã."),
            May.MANAGE, say("quản trị"),
            (
                (say("Nhập danh sách thôn"), url_for("areas.bring_in")),
                (say("Thêm từng địa bàn"), url_for("areas.new")),
            ),
            _any(session, Area.id),
        ),
        Step(
            say("Thêm người duyệt"),
            say("Ai soạn thì không tự duyệt được, nên đài cần ít nhất hai người."),
            May.MANAGE, say("quản trị"), ((say("Thêm cán bộ"), url_for("staff.new")),),
            _any(session, Staff.id, Staff.role == Role.APPROVER, Staff.active.is_(True)),
        ),
        Step(
            say("Gắn đầu thu đầu tiên"),
            say("Đài cấp một mã dùng một lần; đầu thu nhận mã, phát âm thử, có người nghe thấy thì xong."),
            May.MANAGE, say("quản trị"),
            (
                (say("Thêm đầu thu"), url_for("claims.new")),
                (say("Nhập nhiều đầu thu"), url_for("receiver_files.bring_in")),
            ),
            _any(session, Receiver.id, Receiver.active.is_(True)),
        ),
    )  # fmt: skip


def _of_staff(session: Session) -> tuple[Step, ...]:
    return (
        Step(
            say("Soạn bản tin đầu tiên"),
            say("Gõ hoặc dán chữ để máy đọc, tải tệp lên, hoặc ghi âm ngay trên trang."),
            May.WRITE, say("người soạn"), ((say("Soạn bản tin"), url_for("bulletins.new")),),
            _any(session, Bulletin.id),
        ),
        Step(
            say("Nghe và duyệt"),
            say("Người duyệt nghe đúng bản sẽ phát rồi mới duyệt."),
            May.APPROVE, say("người duyệt"), ((say("Bản tin chờ duyệt"), url_for("decisions.queue")),),
            _any(session, Decision.id, Decision.approved.is_(True)),
        ),
        Step(
            say("Đặt lịch phát"),
            say("Mở bản tin đã duyệt, bấm “Đặt lịch phát”, chọn nơi và giờ."),
            May.SCHEDULE, say("người soạn"), ((say("Kho bản tin"), url_for("library.show")),), False,
        ),
    )  # fmt: skip


def _any(
    session: Session, column: InstrumentedAttribute[Any], *where: sa.ColumnElement[bool]
) -> bool:
    return bool(session.scalar(sa.select(sa.exists(sa.select(column).where(*where)))))
