"""Notice (mẫu thông báo): words said again and again, with blanks for what differs: day, hour, place, a few words.

    "Họp lúc [giờ: Họp lúc mấy giờ], [ngày: Họp ngày nào], tại [nơi: Họp ở đâu]."

Some come with Loa (``content/data/notices.toml``); a commune keeps its own, also in the place of one of those.
"""

from __future__ import annotations

import enum
import functools
import re
import secrets
import tomllib
from collections.abc import Mapping
from datetime import date, time
from importlib import resources

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from content import drafts
from loa import audit
from loa.database import Base
from loa.errors import ContentError, NotFound
from loa.staff import May, Staff
from loa.times import Instant
from loa.words import say

MAX_NAME = 80
MAX_BODY = 4_000
MOST = 100
"""Of the commune's own: a list that nobody reads to its end helps nobody."""
MOST_BLANKS = 12
_BLANK = re.compile(r"\[([^\[\]\n:]{1,20}):([^\[\]\n]{1,80})\]")
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")

Value = str | date | time | None


class Kind(enum.StrEnum):
    """What belongs into a blank, by the word it begins with."""

    DAY = "ngày"
    CLOCK = "giờ"
    PLACE = "nơi"
    WORDS = "chữ"


class Blank(msgspec.Struct, frozen=True):
    """One thing to fill in; the same blank twice in a text is asked for once."""

    kind: Kind
    asks: str
    """What a person reads beside the field: "Cắt điện ngày nào"."""
    optional: bool = False


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A text with blanks."""

    name: str
    body: str
    field: int = 1
    """Lĩnh vực of the bulletins made by it, 1 to 6."""

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """Each once, in the order of the text."""
        return tuple(dict.fromkeys(blank for _, _, blank in places(self)))


class OwnNotice(Base):
    """A notice the commune wrote, or its own words in the place of a shipped one."""

    __tablename__ = "notices"

    key: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(MAX_NAME))
    body: Mapped[str] = mapped_column(sa.Text)
    field: Mapped[int] = mapped_column(default=1)
    hidden: Mapped[bool] = mapped_column(default=False)
    """A shipped one that this commune does not want to be offered."""
    staff_id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"))
    updated_at: Mapped[Instant]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    @property
    def notice(self) -> Notice:
        return Notice(name=self.name, body=self.body, field=self.field)


@functools.cache
def shipped() -> Mapping[str, Notice]:
    """Key → notice, in the order they are offered."""
    text = resources.files("content.data").joinpath("notices.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Notice])


def places(notice: Notice) -> list[tuple[int, int, Blank]]:
    """Where in its body the blanks stand: (start, end, blank). Raises ContentError for one of no known kind."""
    return [(*found.span(), _blank(found)) for found in _BLANK.finditer(notice.body)]


# -- which there are ------------------------------------------------------------------------------


def offered(session: Session) -> dict[str, Notice]:
    """Key → notice: the shipped ones, each as this commune says it, then the commune's own by name."""
    own = own_ones(session)
    usual = {key: own[key].notice if key in own else each for key, each in shipped().items()}
    added = {key: row.notice for key, row in own.items() if key not in usual}
    hidden = {key for key, row in own.items() if row.hidden}
    return {key: each for key, each in (usual | added).items() if key not in hidden}


def own_ones(session: Session) -> dict[str, OwnNotice]:
    """Key → what this commune wrote, by name."""
    rows = session.scalars(sa.select(OwnNotice).order_by(OwnNotice.name, OwnNotice.key))
    return {row.key: row for row in rows}


def get(session: Session, key: str) -> Notice:
    """That notice as it is now, hidden or not. Raises NotFound."""
    row = session.get(OwnNotice, key)
    found = row.notice if row else shipped().get(key)
    if found is None:
        raise NotFound(say("Không có mẫu thông báo này. Có thể mẫu vừa bị bỏ; hãy chọn mẫu khác."))
    return found


def save(session: Session, key: str | None, notice: Notice, staff: Staff, now: Instant) -> str:
    """Keep the commune's own words under ``key``, None for a new one; its key. Raises ContentError naming the field."""
    staff.demand(May.WRITE)
    notice = _tidy(notice)
    check(notice)
    if key is not None:
        get(session, key)  # raises where there is none to change
    key = key or secrets.token_hex(6)
    row = session.get(OwnNotice, key)
    if row is None and len(own_ones(session)) >= MOST:
        raise ContentError(
            say("Đài giữ nhiều nhất %(most)s mẫu riêng. Hãy bỏ bớt mẫu cũ.", most=MOST),
            field="name",
        )
    row = row or OwnNotice(key=key)
    row.name, row.body, row.field, row.hidden = notice.name, notice.body, notice.field, False
    row.staff_id, row.updated_at = staff.id, now
    session.add(row)
    session.flush()
    audit.append(session, now, staff.login, "notice.save", notice=key, name=notice.name)
    return key


def drop(session: Session, key: str, staff: Staff, now: Instant) -> None:
    """Offer it no longer: the commune's own is forgotten, a shipped one hidden."""
    staff.demand(May.WRITE)
    notice, row = get(session, key), session.get(OwnNotice, key)
    if key not in shipped():
        session.delete(row)
    else:
        row = row or OwnNotice(key=key, name=notice.name, body=notice.body, field=notice.field)
        row.hidden, row.staff_id, row.updated_at = True, staff.id, now
        session.add(row)
    session.flush()
    audit.append(session, now, staff.login, "notice.drop", notice=key, name=notice.name)


def restore(session: Session, key: str, staff: Staff, now: Instant) -> None:
    """Have a shipped notice back as it came. Raises NotFound."""
    staff.demand(May.WRITE)
    if key not in shipped():
        raise NotFound(say("Mẫu này không phải mẫu có sẵn của Loa nên không khôi phục được."))
    row = session.get(OwnNotice, key)
    if row is not None:
        session.delete(row)
        session.flush()
        audit.append(session, now, staff.login, "notice.restore", notice=key)


def check(notice: Notice) -> None:
    """Raise ContentError, naming the field, where staff must put something right."""
    if not notice.name:
        raise ContentError(say("Hãy đặt tên cho mẫu, ví dụ: Mất nước."), field="name")
    if len(notice.name) > MAX_NAME:
        raise ContentError(say("Tên mẫu dài quá %(most)s ký tự.", most=MAX_NAME), field="name")
    if not notice.body:
        raise ContentError(say("Hãy nhập lời của mẫu."), field="body")
    if len(notice.body) > MAX_BODY:
        raise ContentError(
            say("Lời của mẫu dài %(length)s ký tự; tối đa %(most)s.", length=len(notice.body), most=MAX_BODY),
            field="body",
        )  # fmt: skip
    if notice.field not in drafts.FIELDS:
        raise ContentError(say("Hãy chọn lĩnh vực từ 1 đến 6."), field="field")
    _check_blanks(notice.body)


def _check_blanks(body: str) -> None:
    """Raise ContentError for a bracket that is no blank: somebody would hear it read out."""
    if len(Notice(name="", body=body).blanks) > MOST_BLANKS:
        raise ContentError(
            say("Mẫu có tối đa %(most)s chỗ trống. Hãy bớt đi.", most=MOST_BLANKS), field="body"
        )
    left = re.search(r"\[[^\]\n]*\]?|\]", _BLANK.sub("", body))
    if left:
        raise ContentError(
            say(
                "Chỗ trống “%(blank)s” chưa đúng. Hãy viết như [giờ: Họp lúc mấy giờ]; "
                "trước dấu hai chấm là ngày, giờ, nơi hoặc chữ.",
                blank=left.group(),
            ),
            field="body",
        )


def _tidy(notice: Notice) -> Notice:
    name = " ".join(drafts.plain(notice.name).split())
    return msgspec.structs.replace(notice, name=name, body=drafts.plain(notice.body).strip())


# -- filling in -----------------------------------------------------------------------------------


def fill(notice: Notice, values: Mapping[Blank, Value]) -> str:
    """The text without blanks. Raises ContentError, naming the field ``blank_N``, for one that must be filled in."""
    for number, blank in enumerate(notice.blanks):
        if not blank.optional and not _said(values.get(blank)):
            raise ContentError(
                say("Hãy điền “%(asks)s”.", asks=blank.asks), field=f"blank_{number}"
            )
    return "\n".join(
        _BLANK.sub(lambda found: _said(values.get(_blank(found))), line)
        for line in notice.body.strip().split("\n")
        if not _is_left_out(line, values)
    )


def _is_left_out(line: str, values: Mapping[Blank, Value]) -> bool:
    blanks = [_blank(found) for found in _BLANK.finditer(line)]
    return any(blank.optional and not _said(values.get(blank)) for blank in blanks)


def title(notice: Notice, values: Mapping[Blank, Value]) -> str:
    """What a bulletin made by it is called: its name with the first place and day filled in."""
    found = {blank.kind: values.get(blank) for blank in reversed(notice.blanks)}
    place, day = found.get(Kind.PLACE), found.get(Kind.DAY)
    told = [notice.name, *([str(place).strip()] if place else [])]
    if isinstance(day, date):
        told.append(f"{day:%d/%m}")
    return ", ".join(told)[: drafts.MAX_TITLE]


def _said(value: Value) -> str:
    """As it is written into the text: "thứ Ba, ngày 24/11/2026", "7h30", "nhà văn hoá thôn Đông"."""
    if isinstance(value, date):
        return f"{_WEEKDAYS[value.weekday()]}, ngày {value.day}/{value.month}/{value.year}"
    if isinstance(value, time):
        return f"{value.hour}h{value.minute:02d}" if value.minute else f"{value.hour}h"
    return " ".join((value or "").split()).rstrip(".")


def _blank(found: re.Match[str]) -> Blank:
    kind, asks = found[1].strip().lower(), found[2].strip()
    if kind not in set(Kind):
        raise ContentError(
            say(
                "Chỗ trống “%(blank)s” bắt đầu bằng “%(kind)s”; chỉ dùng được ngày, giờ, nơi hoặc chữ.",
                blank=found.group(), kind=kind,
            ),
            field="body",
        )  # fmt: skip
    return Blank(Kind(kind), asks.rstrip("? "), asks.endswith("?"))
