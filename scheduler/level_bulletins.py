"""Whose a bulletin is: everybody reads and schedules all of them; who works for one area changes that area's alone."""

from __future__ import annotations

from sqlalchemy.orm import Session

from content.bulletins import Bulletin
from devices import areas
from loa.errors import NotAllowed
from loa.staff import Staff
from loa.words import say
from scheduler import levels


def may_change(session: Session, staff: Staff, bulletin: Bulletin) -> bool:
    """Whether it was written by staff of the person's own area, or below it, or by the person."""
    author = bulletin.author
    return author.id == staff.id or levels.answers_for(session, staff, author.area_id)


def demand_change(session: Session, staff: Staff, bulletin: Bulletin) -> None:
    """Raise NotAllowed unless this person may edit, translate, submit or withdraw it."""
    if may_change(session, staff, bulletin):
        return
    author = bulletin.author
    theirs = areas.get(session, author.area_id).full_name if author.area_id else say("cả đài")
    own = areas.get(session, staff.area_id or 0).full_name
    raise NotAllowed(
        say(
            "Bản tin “%(title)s” do %(author)s, cán bộ của %(theirs)s, soạn. %(name)s làm việc cho %(own)s: "
            "nghe và đặt lịch phát được, nhưng không sửa hay thu hồi được. Muốn lời khác, hãy bấm “Dùng làm mẫu” ở "
            "trang bản tin để soạn bản riêng.",
            title=bulletin.title,
            author=author.name,
            theirs=theirs,
            name=staff.name,
            own=own,
        )
    )
