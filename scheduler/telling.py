"""Telling: the sentences of "Vì sao?": by which rule something sounds, and what became of it.

Each sentence stands alone and names what it is about, so that a page can link to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from content.bulletins import Priority
from loa.times import SECOND, Instant, local
from loa.words import join, recall, say
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
    rule = sound.origin or {"schedule": say("Lịch phát")}.get(kind, say("Lệnh phát"))
    told = say("Theo: %(rule)s", rule=recall(rule.rstrip(".")))
    if sound.by:
        told = say("%(told)s, do %(by)s đặt", told=told, by=sound.by)
    drill = say(" Đây là diễn tập.") if sound.drill else ""
    return Reason(join("", [told, ".", drill]), About(kind, sound.source_id))


def approval(sound: Sound, approvers: list[str]) -> Reason:
    """Who answers for what is heard."""
    about = About("bulletin", sound.bulletin_id)
    if approvers:
        return Reason(
            say("Bản tin được %(approvers)s duyệt.", approvers=", ".join(approvers)), about
        )
    if sound.approved:
        return Reason(say("Bản tin đã được duyệt."), about)
    return Reason(say("Bản tin chưa được duyệt; chưa duyệt thì không phát."), about)


def waiver(given: Waiver, clock: Clock) -> Reason:
    """Which rule of the regulation it breaks, who let it through, and why."""
    at = say("%(clock)s ngày %(day)s", clock=clock.minute(given.at), day=clock.day(given.at))
    return Reason(
        say(
            "Ngoài quy chế: %(words)s. %(by)s cho phép lúc %(at)s, lý do: %(why)s.",
            words=given.words,
            by=given.by,
            at=at,
            why=given.why.rstrip("."),
        ),
        About("regulation", 0),
    )


def from_above(sound: Sound, above: str, own: str, is_decided: bool) -> Reason:
    """Who set it for those below; what these decided stands after it."""
    told = say("Lượt từ cấp trên: cán bộ của %(above)s đặt cho %(own)s", above=above, own=own)
    if is_decided:
        return Reason(join("", [told, "."]))
    if sound.priority is Priority.EMERGENCY:
        return Reason(say("%(told)s; lượt khẩn cấp thì địa bàn không từ chối được.", told=told))
    return Reason(
        say("%(told)s; %(own)s không có quyết định riêng về lượt này.", told=told, own=own)
    )


def decision(said: AreaDecision, titles: dict[int, str]) -> Reason:
    """What an officer of the commune said of it."""
    why = f": {said.reason.rstrip('.')}" if said.reason else ""
    if said.said is Said.DECLINED:
        return Reason(
            say("%(name)s quyết định không nhận lượt này%(why)s.", name=said.staff.name, why=why)
        )
    other = titles.get(said.other_id or 0, say("lượt khác"))
    return Reason(
        say(
            "%(name)s quyết định phát lượt này trước “%(other)s”%(why)s.",
            name=said.staff.name,
            other=other,
            why=why,
        )
    )


def gave_way(said: AreaDecision, titles: dict[int, str]) -> Reason:
    """The same of the one that is not heard because of it."""
    first = titles.get(said.broadcast_id, say("lượt khác"))
    again = say(" Lượt này được xếp lại ngay sau đó.") if said.schedule_id is not None else ""
    return Reason(
        say(
            "Nhường “%(first)s”: %(name)s quyết định lượt kia phát trước.%(again)s",
            first=first,
            name=said.staff.name,
            again=again,
        ),
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
        yield Reason(
            say("Nhường %(named)s: cán bộ xã quyết định lượt kia phát trước.", named=named), about
        )
    elif turn.fate is Fate.MISSED:
        yield Reason(
            say(
                "Chờ %(named)s quá lâu nên không phát: %(order)s.",
                named=named,
                order=_order(turn.sound, other),
            ),
            about,
        )
    elif turn.fate is Fate.INTERRUPTED or len(turn.heard) > 1:
        again = say(", rồi phát lại từ đầu") if len(turn.heard) > 1 else ""
        yield Reason(
            say(
                "Bị %(named)s ngắt%(again)s: %(order)s.",
                named=named,
                again=again,
                order=_order(turn.sound, other),
            ),
            about,
        )
    elif turn.late_ms:
        late = -(-turn.late_ms // SECOND)
        yield Reason(
            say(
                "Bắt đầu muộn %(late)s giây vì chờ %(named)s: %(order)s.",
                late=late,
                named=named,
                order=_order(turn.sound, other),
            ),
            about,
        )


def _order(sound: Sound, other: Sound) -> str:
    """Why the other goes first."""
    if other.priority is not sound.priority:
        names = {
            Priority.EMERGENCY: say("khẩn cấp"),
            Priority.PRIORITY: say("ưu tiên"),
            Priority.NORMAL: say("thông thường"),
        }
        first, second = names[other.priority], names[sound.priority]
        if other.priority is Priority.NORMAL or sound.priority is Priority.EMERGENCY:
            return say("lượt %(first)s kia bắt đầu trước", first=first)
        return say("%(first)s phát trước %(second)s", first=first, second=second)
    if other.starts_at == sound.starts_at:
        return say("cùng mức, cùng giờ thì theo mã của lượt phát")
    return say("cùng mức thì lượt bắt đầu trước phát trước")


# -- the receiver's own word ----------------------------------------------------------------------

UNKNOWN = say("Chưa có xác nhận: đầu thu chưa báo lại, nên không biết đã phát hay chưa.")


def delivered(delivery: Delivery, clock: Clock, is_apart: bool = False) -> Iterator[Reason]:
    """What the receiver said of it, or that it said nothing; ``is_apart``: why it was dropped is told already."""
    about = About("broadcast", delivery.broadcast_id)
    if delivery.dropped_at is not None and not is_apart:
        at = say(
            "%(clock)s ngày %(day)s",
            clock=clock.minute(delivery.dropped_at),
            day=clock.day(delivery.dropped_at),
        )
        yield Reason(say("Đầu thu không còn thuộc nơi phát của lượt này từ %(at)s.", at=at), about)
    if delivery.barred_at is not None:
        yield Reason(say("Bản mà đầu thu này phát sẽ rơi vào giờ không phát."), about)
    if delivery.started_at is not None:
        yield Reason(_started(delivery, delivery.started_at, clock), about)
    elif delivery.state in _SILENT:
        why = join("", [": ", reports.reason(delivery.reason)]) if delivery.reason else ""
        yield Reason(
            say(
                "Kết quả tại đầu thu: %(state)s%(why)s.",
                state=reports.STATES[delivery.state],
                why=why,
            ),
            about,
        )


def _started(delivery: Delivery, since: Instant, clock: Clock) -> str:
    told = say("Đầu thu báo bắt đầu phát lúc %(at)s", at=clock.second(since))
    if delivery.state is D.PLAYED and delivery.ended_at:
        return say("%(told)s, phát hết lúc %(at)s.", told=told, at=clock.second(delivery.ended_at))
    if delivery.state is D.STARTED:
        return say("%(told)s, chưa báo kết thúc.", told=told)
    ended = say(" lúc %(at)s", at=clock.second(delivery.ended_at)) if delivery.ended_at else ""
    why = join("", [" (", reports.reason(delivery.reason), ")"]) if delivery.reason else ""
    return join("", [told, ", ", reports.STATES[delivery.state], ended, why, "."])


_SILENT = frozenset({D.FAILED, D.MISSED, D.REFUSED, D.CANCELLED})


# -- the circumstances ----------------------------------------------------------------------------


def regulation(version: Regulation | None, clock: Clock) -> Reason:
    """Which rules were in force."""
    if version is None:
        return Reason(say("Lúc đó đài chưa có quy chế."))
    note = f" ({version.note})" if version.note else ""
    return Reason(
        say("Quy chế có hiệu lực từ %(day)s%(note)s.", day=clock.day(version.since), note=note),
        About("regulation", 0),
    )


def hours(outlook: Outlook, since: Instant, until: Instant) -> Iterator[Reason]:
    """Quiet hours."""
    span = outlook.breach(since, until)
    if span is not None:
        yield Reason(
            say("Nằm trong giờ không phát %(span)s: chỉ bản tin khẩn cấp được phát.", span=span),
            About("regulation", 0),
        )


def session(held: list[Held], moment: Instant) -> Iterator[Reason]:
    """The session it lies in, where the station has any."""
    found = next((one for one in held if one.since <= moment < one.until), None)
    about = About("regulation", 0)
    if found is not None:
        yield Reason(say("Nằm trong khung giờ %(slot)s.", slot=found.slot), about)
    elif held:
        yield Reason(say("Nằm ngoài mọi khung giờ phát của ngày."), about)
