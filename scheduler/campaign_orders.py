"""Order: what a person asks for with a campaign, and what may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

from content import bulletins
from content.bulletins import Bulletin, Priority
from content.bulletins import State as BulletinState
from loa.errors import ScheduleError
from loa.times import DAY
from loa.words import say
from scheduler import targets
from scheduler.campaign_tables import Aim, Campaign, Target
from scheduler.targets import Where

MOST_DAYS = 366
MOST_MESSAGES = 12


@dataclass(frozen=True, kw_only=True)
class Line:
    """A message as a person asks for it."""

    bulletin_id: int
    weight: int = 1
    start_date: date | None = None
    end_date: date | None = None
    apart_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person fills in."""

    name: str
    start_date: date
    end_date: date
    where: Where
    target: Target
    lines: tuple[Line, ...]
    basis: str = ""
    weight: int = 1


def checked(session: Session, order: Order, today: date, campaign: Campaign | None) -> Order:
    """The order, tidied. Raises ScheduleError naming the field; ``campaign`` is what it changes, if any."""
    order = replace(order, name=order.name.strip(), basis=order.basis.strip())
    if not order.name:
        raise ScheduleError(
            say("Hãy đặt tên cho chiến dịch, ví dụ: Tiêm chủng tháng 12."), field="name"
        )
    _check_days(order, today, campaign)
    targets.demand(session, order.where)
    _check_target(session, order)
    _check_lines(session, order, campaign)
    return order


def _check_days(order: Order, today: date, campaign: Campaign | None) -> None:
    if order.end_date < order.start_date:
        raise ScheduleError(say("Ngày kết thúc đứng trước ngày bắt đầu."), field="end_date")
    if order.end_date < today:
        raise ScheduleError(
            say(
                "Ngày kết thúc %(day)s đã qua. Hãy chọn ngày từ hôm nay trở đi.",
                day=f"{order.end_date:%d/%m/%Y}",
            ),
            field="end_date",
        )
    if campaign is None and order.start_date < today:
        raise ScheduleError(
            say(
                "Ngày bắt đầu %(day)s đã qua. Hãy chọn ngày từ hôm nay trở đi.",
                day=f"{order.start_date:%d/%m/%Y}",
            ),
            field="start_date",
        )
    if (order.end_date - order.start_date).days >= MOST_DAYS:
        raise ScheduleError(
            say(
                "Chiến dịch dài nhất %(most)s ngày. Hãy chọn ngày kết thúc sớm hơn.", most=MOST_DAYS
            ),
            field="end_date",
        )


def _check_target(session: Session, order: Order) -> None:
    target = order.target
    if not 1 <= order.weight <= 100:
        raise ScheduleError(
            say("Mức ưu tiên giữa các chiến dịch phải từ 1 đến 100."), field="weight"
        )
    if target.aim is not Aim.REACH:
        if not 1 <= target.number <= 10_000:
            raise ScheduleError(say("Chỉ tiêu phải từ 1 đến 10.000."), field="number")
        return
    if not 1 <= target.number <= 100:
        raise ScheduleError(
            say("Tỷ lệ hộ %(number)s %% phải nằm trong khoảng 1–100.", number=target.number),
            field="number",
        )
    if not 1 <= target.times <= 1_000:
        raise ScheduleError(say("Số lần nghe phải từ 1 đến 1.000."), field="times")
    if not any(each.households for each in targets.receivers_of(session, order.where)):
        raise ScheduleError(
            say("Chưa đầu thu nào ở nơi đã chọn ghi số hộ nên không tính được tỷ lệ hộ. Hãy nhập số hộ ở trang Đầu thu "
            "hoặc chọn chỉ tiêu theo số lần phát."),
            field="aim",
        )  # fmt: skip


def _check_lines(session: Session, order: Order, campaign: Campaign | None) -> None:
    if not order.lines:
        raise ScheduleError(say("Hãy chọn ít nhất một bản tin cho chiến dịch."), field="lines")
    if len(order.lines) > MOST_MESSAGES:
        raise ScheduleError(
            say("Một chiến dịch có nhiều nhất %(most)s bản tin.", most=MOST_MESSAGES), field="lines"
        )
    known = {each.bulletin_id for each in campaign.messages} if campaign else set()
    for line in order.lines:
        bulletin = bulletins.get(session, line.bulletin_id)
        if line.bulletin_id not in known:
            _check_bulletin(bulletin)
        _check_line(bulletin, line)
    if len({line.bulletin_id for line in order.lines}) < len(order.lines):
        raise ScheduleError(
            say("Mỗi bản tin chỉ chọn một lần; hãy tăng trọng số của nó."), field="lines"
        )


def _check_bulletin(bulletin: Bulletin) -> None:
    if bulletin.state is not BulletinState.APPROVED:
        raise ScheduleError(
            say(
                "Bản tin “%(title)s” chưa được duyệt. Chiến dịch chỉ dùng bản tin đã duyệt.",
                title=bulletin.title,
            ),
            field="lines",
        )
    if bulletin.priority is Priority.EMERGENCY:
        raise ScheduleError(
            say(
                "Bản tin “%(title)s” là khẩn cấp. Hãy phát ở trang Khẩn cấp.", title=bulletin.title
            ),
            field="lines",
        )
    if bulletin.relay is not None:
        raise ScheduleError(
            say(
                "“%(title)s” là tiếp sóng nên không vào chiến dịch được. Hãy đặt lịch hoặc đưa vào chương trình.",
                title=bulletin.title,
            ),
            field="lines",
        )


def _check_line(bulletin: Bulletin, line: Line) -> None:
    if not 1 <= line.weight <= 100:
        raise ScheduleError(
            say("Trọng số của “%(title)s” phải từ 1 đến 100.", title=bulletin.title), field="lines"
        )
    if not 0 <= line.apart_ms <= 30 * DAY:
        raise ScheduleError(
            say("Khoảng cách của “%(title)s” phải từ 0 đến 720 giờ.", title=bulletin.title),
            field="lines",
        )
    if line.start_date and line.end_date and line.end_date < line.start_date:
        raise ScheduleError(
            say("Với “%(title)s”, ngày cuối đứng trước ngày đầu.", title=bulletin.title),
            field="lines",
        )
