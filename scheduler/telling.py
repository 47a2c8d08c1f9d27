"""Telling: the sentences of "Vì sao?": by which rule something sounds, and what became of it.

Each sentence stands alone and names what it is about, so that a page can link to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from content.bulletins import Priority
from loa.times import SECOND, Instant, local
from scheduler import reports
from scheduler.broadcasts import Delivery, DeliveryState
from scheduler.channel import Fate, Turn
from scheduler.levels import AreaDecision, Said
from scheduler.outlook import Held, Outlook
from scheduler.projection import Sound
from scheduler.regulation import Regulation
from scheduler.waivers import Waiver

D = DeliveryState


class About(NamedTuple):
    """What a sentence is about: "broadcast", "bulletin", "schedule", …, and its id."""

    kind: str
    id: int


class Reason(NamedTuple):
    """One link of the chain."""

    sentence: str
    about: About | None = None


class Clock:
    """Instants as people of the station read them."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def minute(self, moment: Instant) -> str:
        """17:05."""
        return f"{local(moment, self.zone):%H:%M}"

    def second(self, moment: Instant) -> str:
        """17:05:02."""
        return f"{local(moment, self.zone):%H:%M:%S}"

    def day(self, moment: Instant) -> str:
        """21/11/2026."""
        return f"{local(moment, self.zone):%d/%m/%Y}"

    def named(self, sound: Sound) -> str:
        """“Lịch tiêm chủng” (17:05)."""
        return f"“{sound.title}” ({self.minute(sound.starts_at)})"


# -- by which rule --------------------------------------------------------------------------------


def origin(sound: Sound) -> Reason:
    """By which rule it was to sound, and who set that."""
    kind = sound.column.removesuffix("_id")
    rule = sound.origin or {"schedule": "Lịch phát"}.get(kind, "Lệnh phát")
    by = f", do {sound.by} đặt" if sound.by else ""
    drill = " Đây là diễn tập." if sound.drill else ""
    return Reason(f"Theo: {rule.rstrip('.')}{by}.{drill}", About(kind, sound.source_id))


def approval(sound: Sound, approvers: list[str]) -> Reason:
    """Who answers for what is heard."""
    about = About("bulletin", sound.bulletin_id)
    if approvers:
        return Reason(f"Bản tin được {', '.join(approvers)} duyệt.", about)
    if sound.approved:
        return Reason("Bản tin đã được duyệt.", about)
    return Reason("Bản tin chưa được duyệt; chưa duyệt thì không phát.", about)


def waiver(given: Waiver, clock: Clock) -> Reason:
    """Which rule of the regulation it breaks, who let it through, and why."""
    at = f"{clock.minute(given.at)} ngày {clock.day(given.at)}"
    return Reason(
        f"Ngoài quy chế: {given.words}. {given.by} cho phép lúc {at}, lý do: {given.why.rstrip('.')}.",
        About("regulation", 0),
    )


def from_above(sound: Sound, above: str, own: str, is_decided: bool) -> Reason:
    """Who set it for those below; what these decided stands after it."""
    told = f"Lượt từ cấp trên: cán bộ của {above} đặt cho {own}"
    if is_decided:
        return Reason(f"{told}.")
    if sound.priority is Priority.EMERGENCY:
        return Reason(f"{told}; lượt khẩn cấp thì địa bàn không từ chối được.")
    return Reason(f"{told}; {own} không có quyết định riêng về lượt này.")


def decision(said: AreaDecision, titles: dict[int, str]) -> Reason:
    """What an officer of the commune said of it."""
    why = f": {said.reason.rstrip('.')}" if said.reason else ""
    if said.said is Said.DECLINED:
        return Reason(f"{said.staff.name} quyết định không nhận lượt này{why}.")
    other = titles.get(said.other_id or 0, "lượt khác")
    return Reason(f"{said.staff.name} quyết định phát lượt này trước “{other}”{why}.")


def gave_way(said: AreaDecision, titles: dict[int, str]) -> Reason:
    """The same of the one that is not heard because of it."""
    first = titles.get(said.broadcast_id, "lượt khác")
    again = " Lượt này được xếp lại ngay sau đó." if said.schedule_id is not None else ""
    return Reason(
        f"Nhường “{first}”: {said.staff.name} quyết định lượt kia phát trước.{again}",
        About("broadcast", said.broadcast_id),
    )


# -- among others ---------------------------------------------------------------------------------


def precedence(turn: Turn[Sound], clock: Clock) -> Iterator[Reason]:
    """What others do to it, by the rule of precedence."""
    other = turn.by
    if other is None:
        return
    about = About("broadcast", other.broadcast_id) if other.broadcast_id else None
    named = clock.named(other)
    if turn.fate is Fate.GAVE_WAY:
        yield Reason(f"Nhường {named}: cán bộ xã quyết định lượt kia phát trước.", about)
    elif turn.fate is Fate.MISSED:
        yield Reason(f"Chờ {named} quá lâu nên không phát: {_order(turn.sound, other)}.", about)
    elif turn.fate is Fate.INTERRUPTED or len(turn.heard) > 1:
        again = ", rồi phát lại từ đầu" if len(turn.heard) > 1 else ""
        yield Reason(f"Bị {named} ngắt{again}: {_order(turn.sound, other)}.", about)
    elif turn.late_ms:
        late = -(-turn.late_ms // SECOND)
        yield Reason(
            f"Bắt đầu muộn {late} giây vì chờ {named}: {_order(turn.sound, other)}.", about
        )


def _order(sound: Sound, other: Sound) -> str:
    """Why the other goes first."""
    if other.priority is not sound.priority:
        names = {
            Priority.EMERGENCY: "khẩn cấp",
            Priority.PRIORITY: "ưu tiên",
            Priority.NORMAL: "thông thường",
        }
        first, second = names[other.priority], names[sound.priority]
        if other.priority is Priority.NORMAL or sound.priority is Priority.EMERGENCY:
            return f"lượt {first} kia bắt đầu trước"
        return f"{first} phát trước {second}"
    if other.starts_at == sound.starts_at:
        return "cùng mức, cùng giờ thì theo mã của lượt phát"
    return "cùng mức thì lượt bắt đầu trước phát trước"


# -- the receiver's own word ----------------------------------------------------------------------

UNKNOWN = "Chưa có xác nhận: đầu thu chưa báo lại, nên không biết đã phát hay chưa."


def delivered(delivery: Delivery, clock: Clock, is_apart: bool = False) -> Iterator[Reason]:
    """What the receiver said of it, or that it said nothing; ``is_apart``: why it was dropped is told already."""
    about = About("broadcast", delivery.broadcast_id)
    if delivery.dropped_at is not None and not is_apart:
        at = f"{clock.minute(delivery.dropped_at)} ngày {clock.day(delivery.dropped_at)}"
        yield Reason(f"Đầu thu không còn thuộc nơi phát của lượt này từ {at}.", about)
    if delivery.barred_at is not None:
        yield Reason("Bản mà đầu thu này phát sẽ rơi vào giờ không phát.", about)
    if delivery.started_at is not None:
        yield Reason(_started(delivery, delivery.started_at, clock), about)
    elif delivery.state in _SILENT:
        why = f": {reports.reason(delivery.reason)}" if delivery.reason else ""
        yield Reason(f"Kết quả tại đầu thu: {reports.STATES[delivery.state]}{why}.", about)


def _started(delivery: Delivery, since: Instant, clock: Clock) -> str:
    told = f"Đầu thu báo bắt đầu phát lúc {clock.second(since)}"
    if delivery.state is D.PLAYED and delivery.ended_at:
        return f"{told}, phát hết lúc {clock.second(delivery.ended_at)}."
    if delivery.state is D.STARTED:
        return f"{told}, chưa báo kết thúc."
    ended = f" lúc {clock.second(delivery.ended_at)}" if delivery.ended_at else ""
    why = f" ({reports.reason(delivery.reason)})" if delivery.reason else ""
    return f"{told}, {reports.STATES[delivery.state]}{ended}{why}."


_SILENT = frozenset({D.FAILED, D.MISSED, D.REFUSED, D.CANCELLED})


# -- the circumstances ----------------------------------------------------------------------------


def regulation(version: Regulation | None, clock: Clock) -> Reason:
    """Which rules were in force."""
    if version is None:
        return Reason("Lúc đó đài chưa có quy chế.")
    note = f" ({version.note})" if version.note else ""
    return Reason(
        f"Quy chế có hiệu lực từ {clock.day(version.since)}{note}.", About("regulation", 0)
    )


def hours(outlook: Outlook, since: Instant, until: Instant) -> Iterator[Reason]:
    """Quiet hours."""
    span = outlook.breach(since, until)
    if span is not None:
        yield Reason(
            f"Nằm trong giờ không phát {span}: chỉ bản tin khẩn cấp được phát.",
            About("regulation", 0),
        )


def session(held: list[Held], moment: Instant) -> Iterator[Reason]:
    """The session it lies in, where the station has any."""
    found = next((one for one in held if one.since <= moment < one.until), None)
    about = About("regulation", 0)
    if found is not None:
        yield Reason(f"Nằm trong khung giờ {found.slot}.", about)
    elif held:
        yield Reason("Nằm ngoài mọi khung giờ phát của ngày.", about)
