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
        raise ScheduleError("Hãy đặt tên cho chiến dịch, ví dụ: Tiêm chủng tháng 12.", field="name")
    _check_days(order, today, campaign)
    targets.demand(session, order.where)
    _check_target(session, order)
    _check_lines(session, order, campaign)
    return order


def _check_days(order: Order, today: date, campaign: Campaign | None) -> None:
    if order.end_date < order.start_date:
        raise ScheduleError("Ngày kết thúc đứng trước ngày bắt đầu.", field="end_date")
    if order.end_date < today:
        raise ScheduleError(
            f"Ngày kết thúc {order.end_date:%d/%m/%Y} đã qua. Hãy chọn ngày từ hôm nay trở đi.", field="end_date"
        )  # fmt: skip
    if campaign is None and order.start_date < today:
        raise ScheduleError(
            f"Ngày bắt đầu {order.start_date:%d/%m/%Y} đã qua. Hãy chọn ngày từ hôm nay trở đi.", field="start_date"
        )  # fmt: skip
    if (order.end_date - order.start_date).days >= MOST_DAYS:
        raise ScheduleError(
            f"Chiến dịch dài nhất {MOST_DAYS} ngày. Hãy chọn ngày kết thúc sớm hơn.",
            field="end_date",
        )


def _check_target(session: Session, order: Order) -> None:
    target = order.target
    if not 1 <= order.weight <= 100:
        raise ScheduleError("Mức ưu tiên giữa các chiến dịch phải từ 1 đến 100.", field="weight")
    if target.aim is not Aim.REACH:
        if not 1 <= target.number <= 10_000:
            raise ScheduleError("Chỉ tiêu phải từ 1 đến 10.000.", field="number")
        return
    if not 1 <= target.number <= 100:
        raise ScheduleError(
            f"Tỷ lệ hộ {target.number} % phải nằm trong khoảng 1–100.", field="number"
        )
    if not 1 <= target.times <= 1_000:
        raise ScheduleError("Số lần nghe phải từ 1 đến 1.000.", field="times")
    if not any(each.households for each in targets.receivers_of(session, order.where)):
        raise ScheduleError(
            "Chưa đầu thu nào ở nơi đã chọn ghi số hộ nên không tính được tỷ lệ hộ. Hãy nhập số hộ ở trang Đầu thu "
            "hoặc chọn chỉ tiêu theo số lần phát.",
            field="aim",
        )  # fmt: skip


def _check_lines(session: Session, order: Order, campaign: Campaign | None) -> None:
    if not order.lines:
        raise ScheduleError("Hãy chọn ít nhất một bản tin cho chiến dịch.", field="lines")
    if len(order.lines) > MOST_MESSAGES:
        raise ScheduleError(f"Một chiến dịch có nhiều nhất {MOST_MESSAGES} bản tin.", field="lines")
    known = {each.bulletin_id for each in campaign.messages} if campaign else set()
    for line in order.lines:
        bulletin = bulletins.get(session, line.bulletin_id)
        if line.bulletin_id not in known:
            _check_bulletin(bulletin)
        _check_line(bulletin, line)
    if len({line.bulletin_id for line in order.lines}) < len(order.lines):
        raise ScheduleError(
            "Mỗi bản tin chỉ chọn một lần; hãy tăng trọng số của nó.", field="lines"
        )


def _check_bulletin(bulletin: Bulletin) -> None:
    if bulletin.state is not BulletinState.APPROVED:
        raise ScheduleError(
            f"Bản tin “{bulletin.title}” chưa được duyệt. Chiến dịch chỉ dùng bản tin đã duyệt.", field="lines"
        )  # fmt: skip
    if bulletin.priority is Priority.EMERGENCY:
        raise ScheduleError(
            f"Bản tin “{bulletin.title}” là khẩn cấp. Hãy phát ở trang Khẩn cấp.", field="lines"
        )
    if bulletin.relay is not None:
        raise ScheduleError(
            f"“{bulletin.title}” là tiếp sóng nên không vào chiến dịch được. Hãy đặt lịch hoặc đưa vào chương trình.",
            field="lines",
        )  # fmt: skip


def _check_line(bulletin: Bulletin, line: Line) -> None:
    if not 1 <= line.weight <= 100:
        raise ScheduleError(f"Trọng số của “{bulletin.title}” phải từ 1 đến 100.", field="lines")
    if not 0 <= line.apart_ms <= 30 * DAY:
        raise ScheduleError(
            f"Khoảng cách của “{bulletin.title}” phải từ 0 đến 720 giờ.", field="lines"
        )
    if line.start_date and line.end_date and line.end_date < line.start_date:
        raise ScheduleError(
            f"Với “{bulletin.title}”, ngày cuối đứng trước ngày đầu.", field="lines"
        )
