"""Every state, reason and time in words: the only place where the pages take such words from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from content import parts
from content.bulletins import Priority
from content.bulletins import State as BulletinState
from content.parts import Part
from content.relays import Relay, Stream
from devices.fleet import Health
from loa import languages, words
from loa.staff import Role
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, local
from loa.words import Said, counted, say
from scheduler import lunar, recurrence, reports
from scheduler.broadcasts import DeliveryState, Tally
from scheduler.broadcasts import State as BroadcastState
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.exports import words as exports
from scheduler.schedules import Kind as ScheduleKind
from scheduler.schedules import Schedule

BULLETIN_STATES = {
    BulletinState.DRAFT: say("bản nháp"),
    BulletinState.SUBMITTED: say("chờ duyệt"),
    BulletinState.APPROVED: say("đã duyệt"),
    BulletinState.REJECTED: say("bị trả lại"),
    BulletinState.WITHDRAWN: say("đã thu hồi"),
}
PART_KINDS: dict[type[Part], str] = {
    parts.Text: say("văn bản máy đọc"),
    parts.Recorded: say("bản ghi âm"),
    parts.Chime: say("nhạc hiệu"),
}
PRIORITIES = reports.PRIORITIES
RELAYED = reports.RELAYED
FIELDS = {
    1: say("thông tin chung"),
    2: say("đột xuất"),
    3: say("đường lối, chính sách, pháp luật"),
    4: say("chỉ đạo điều hành"),
    5: say("kiến thức"),
    6: say("gương người tốt việc tốt"),
}
BROADCAST_STATES = {
    BroadcastState.PLANNED: say("chờ phát"),
    BroadcastState.DISPATCHED: say("đã giao lệnh"),
    BroadcastState.ON_AIR: say("đang phát"),
    BroadcastState.FINISHED: say("đã phát"),
    BroadcastState.MISSED: say("lỡ giờ"),
    BroadcastState.CANCELLED: say("đã huỷ"),
}
DELIVERY_STATES = reports.STATES
reason = reports.reason
ROLES = {
    Role.EDITOR: say("người soạn"),
    Role.APPROVER: say("người duyệt"),
    Role.OPERATOR: say("người vận hành"),
    Role.ADMIN: say("quản trị"),
    Role.VIEWER: say("người xem"),
}
ROLE_DUTIES = {
    Role.EDITOR: say("soạn bản tin, đặt lịch phát"),
    Role.APPROVER: say("nghe và duyệt bản tin của người khác; soạn, đặt lịch, dừng phát"),
    Role.OPERATOR: say("soạn bản tin, đặt lịch, dừng phát"),
    Role.ADMIN: say("quản lý đầu thu, địa bàn, cán bộ, quy chế; không duyệt bản tin"),
    Role.VIEWER: say("chỉ xem"),
}
SCHEDULE_KINDS = {
    ScheduleKind.ONCE: say("một lần"),
    ScheduleKind.DAILY: say("hằng ngày"),
    ScheduleKind.WEEKDAYS: say("các thứ trong tuần"),
    ScheduleKind.OTHER: say("khác…"),
}
OTHER_RECURRENCES = {
    "moon": say("ngày âm lịch hằng tháng (mùng một, rằm…)"),
    "moon_year": say("một ngày âm lịch mỗi năm"),
    "month_days": say("các ngày trong tháng"),
    "nth": say("một thứ trong tháng (ví dụ Chủ nhật đầu tiên)"),
    "days": say("mấy ngày một lần"),
    "weeks": say("mấy tuần một lần, vào các thứ"),
    "year": say("một ngày mỗi năm"),
}
EXCEPTION_KINDS = {
    ExceptionKind.SKIP: say("bỏ lượt"),
    ExceptionKind.MOVE: say("dời sang lúc khác"),
    ExceptionKind.REPLACE: say("phát bản tin khác"),
}
NTH, WEEKDAYS = recurrence.NTH, recurrence.NAMES
SHORT_WEEKDAYS = (
    say("T2"),
    say("T3"),
    say("T4"),
    say("T5"),
    say("T6"),
    say("T7"),
    say("CN"),
)
EVIDENCE = {
    "E1": say("đầu thu báo đã giải mã và phát hết âm thanh"),
    "E2": say("đầu thu đo thấy ampli có tải"),
    "E3": say("micro tại chỗ nghe thấy tiếng loa"),
    "none": say("đầu thu không nối loa: chạy hết bản ghi, không phát ra tiếng"),
}
BULLETIN_TONES = {
    BulletinState.DRAFT: "quiet",
    BulletinState.SUBMITTED: "wait",
    BulletinState.APPROVED: "good",
    BulletinState.REJECTED: "bad",
    BulletinState.WITHDRAWN: "quiet",
}
DELIVERY_TONES = {
    DeliveryState.STARTED: "live",
    DeliveryState.PLAYED: "good",
    DeliveryState.READY: "wait",
    DeliveryState.INTERRUPTED: "bad",
    DeliveryState.FAILED: "bad",
    DeliveryState.MISSED: "bad",
    DeliveryState.REFUSED: "bad",
    DeliveryState.UNKNOWN: "doubt",
}
LUFS, LUFS_OFF, MOST_PEAK_DB = -16.0, 1.0, -0.5
"""How loud every bulletin is to be, by how many LU it may miss that, and the highest peak in dBTP."""
PRIORITY_TONES = {Priority.PRIORITY: "wait", Priority.EMERGENCY: "bad"}
_TROUBLES = (
    DeliveryState.UNKNOWN,
    DeliveryState.INTERRUPTED,
    DeliveryState.FAILED,
    DeliveryState.MISSED,
    DeliveryState.REFUSED,
    DeliveryState.CANCELLED,
)


@dataclass(frozen=True)
class Outcome:
    """A broadcast in a few words: the badge with its tone, and what stands beside it."""

    badge: str
    tone: str
    rest: str


def outcome(state: BroadcastState, tally: Tally) -> Outcome:
    """What became of a broadcast. Receivers not heard of are counted apart, never as not played."""
    total = tally.total
    if total == 0:
        return Outcome(BROADCAST_STATES[state], "quiet", say("không có đầu thu nào"))
    if state in (BroadcastState.PLANNED, BroadcastState.DISPATCHED):
        return _ahead(state, tally)
    played, started = tally.of(DeliveryState.PLAYED), tally.of(DeliveryState.STARTED)
    troubles = [
        say("%(n)s %(state)s", n=tally.of(each), state=DELIVERY_STATES[each])
        for each in _TROUBLES
        if tally.of(each)
    ]
    if state is BroadcastState.ON_AIR:
        done = [say("đã phát %(n)s/%(total)s", n=played, total=total)] if played else []
        badge = say("đang phát %(n)s/%(total)s", n=started, total=total)
        return Outcome(badge, "live", words.join(" · ", done + troubles))
    if played:
        tone = "good" if played == total else "doubt"
        badge = say("đã phát %(n)s/%(total)s", n=played, total=total)
        return Outcome(badge, tone, words.join(" · ", troubles))
    return _without_proof(state, tally, troubles)


def _ahead(state: BroadcastState, tally: Tally) -> Outcome:
    ready, total = tally.of(DeliveryState.READY), tally.total
    rest = (
        say("%(n)s/%(total)s đầu thu sẵn sàng", n=ready, total=total)
        if ready
        else counted("%(n)s đầu thu", total)
    )
    if state is BroadcastState.DISPATCHED:
        rest = words.join(" · ", [say("đã giao lệnh"), rest])
    return Outcome(BROADCAST_STATES[BroadcastState.PLANNED], "wait", rest)


def _without_proof(state: BroadcastState, tally: Tally, troubles: list[Said]) -> Outcome:
    unknown = tally.of(DeliveryState.UNKNOWN)
    if unknown == tally.total:
        named = DELIVERY_STATES[DeliveryState.UNKNOWN]
        return Outcome(named, "doubt", counted("%(n)s đầu thu", unknown))
    tone = {BroadcastState.CANCELLED: "quiet", BroadcastState.FINISHED: "doubt"}.get(state, "bad")
    badge = say("không trọn vẹn") if state is BroadcastState.FINISHED else BROADCAST_STATES[state]
    return Outcome(badge, tone, words.join(" · ", troubles))


def clock(instant: Instant | None, zone: ZoneInfo) -> str:
    """17:05; empty for None."""
    return f"{local(instant, zone):%H:%M}" if instant is not None else ""


def seconds(instant: Instant | None, zone: ZoneInfo) -> str:
    """17:05:02; empty for None."""
    return f"{local(instant, zone):%H:%M:%S}" if instant is not None else ""


def day(instant: Instant | None, zone: ZoneInfo) -> str:
    """21/11/2026; empty for None."""
    return f"{local(instant, zone):%d/%m/%Y}" if instant is not None else ""


def moment(instant: Instant | None, zone: ZoneInfo) -> str:
    """17:05 ngày 21/11/2026; empty for None."""
    if instant is None:
        return ""
    return say("%(time)s ngày %(date)s", time=clock(instant, zone), date=day(instant, zone))


def soon(instant: Instant, now: Instant, zone: ZoneInfo) -> str:
    """17:05 of today; on another day with its date."""
    same_day = local(instant, zone).date() == local(now, zone).date()
    return clock(instant, zone) if same_day else moment(instant, zone)


def machine(instant: Instant, zone: ZoneInfo) -> str:
    """What <time datetime> holds."""
    return local(instant, zone).isoformat(timespec="seconds")


def long_day(when: date) -> str:
    """thứ Bảy, 21/11/2026."""
    return words.join(", ", [WEEKDAYS[when.weekday()], short_date(when)])


def days(first: date, last: date) -> str:
    """21/11/2026, or 21/11/2026 đến 23/11/2026."""
    if first == last:
        return short_date(first)
    return say("%(first)s đến %(last)s", first=short_date(first), last=short_date(last))


def week_days(first: date, last: date) -> str:
    """T7 21/11/2026, or T7 21/11/2026 đến CN 22/11/2026."""
    named = [
        words.join(" ", [SHORT_WEEKDAYS[each.weekday()], short_date(each)])
        for each in (first, last)
    ]
    if first == last:
        return named[0]
    return say("%(first)s đến %(last)s", first=named[0], last=named[1])


def moon(when: date) -> str:
    """By the moon: rằm tháng 10, mùng 1 tháng 11 nhuận, 23 tháng Chạp."""
    found = lunar.from_solar(when)
    month = {1: say("Giêng"), 12: say("Chạp")}.get(found.month, found.month)
    if found.is_leap:
        return say("%(day)s tháng %(month)s nhuận", day=_moon_day(found.day), month=month)
    return say("%(day)s tháng %(month)s", day=_moon_day(found.day), month=month)


def _moon_day(number: int) -> object:
    if number == 15:
        return say("rằm")
    return say("mùng %(n)s", n=number) if number <= 10 else number


def short_date(when: date | None) -> str:
    """21/11/2026; empty for None."""
    return f"{when:%d/%m/%Y}" if when else ""


def duration(ms: int | None) -> str:
    """A span of time in its two largest units: 1 giờ 05 phút, 1 phút 20 giây, 45 giây.

    Rounded down, as players show it.
    """
    if ms is None:
        return ""
    seconds = ms // SECOND
    if seconds >= 3600:
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        return say("%(hours)s giờ %(minutes)s phút", hours=hours, minutes=f"{minutes:02d}")
    if seconds >= 60:
        rest = f"{seconds % 60:02d}"
        return say("%(minutes)s phút %(seconds)s giây", minutes=seconds // 60, seconds=rest)
    return counted("%(n)s giây", seconds)


def lateness(ms: int | None) -> str:
    """How a start compares with its time; under a second is on time, as the protocol promises no more."""
    if ms is None:
        return ""
    if abs(ms) < SECOND:
        return say("đúng giờ")
    if ms > 0:
        return say("muộn %(span)s", span=duration(ms))
    return say("sớm %(span)s", span=duration(-ms))


def part_kind(part: Part) -> str:
    """What a part of a bulletin is."""
    return PART_KINDS[type(part)]


def relay_length(relay: Stream | Relay) -> str:
    """30 phút; one that its programme cuts off may have seconds, too."""
    if relay.ms % MINUTE:
        return duration(relay.ms)
    return counted("%(n)s phút", relay.ms // MINUTE)


def language(code: str) -> str:
    """tiếng Tày."""
    return say("tiếng %(name)s", name=languages.name(code))


def ago(instant: Instant, now: Instant) -> str:
    """How long ago, in one unit."""
    past = max(now - instant, 0)
    if past < MINUTE:
        return say("vừa xong")
    if past >= DAY:
        return counted("%(n)s ngày trước", past // DAY)
    if past >= HOUR:
        return counted("%(n)s giờ trước", past // HOUR)
    return counted("%(n)s phút trước", past // MINUTE)


number = exports.number
"""1.234,5 as it is written in Vietnam; 1,234.5 where English is read."""


def loudness(lufs: float, true_peak_db: float) -> str:
    """Whether a finished sound is as loud as all others, in words for staff."""
    if lufs < LUFS - LUFS_OFF:
        return say("độ to thấp hơn chuẩn")
    if lufs > LUFS + LUFS_OFF:
        return say("độ to cao hơn chuẩn")
    return (
        say("độ to đạt chuẩn") if true_peak_db <= MOST_PEAK_DB else say("có chỗ to quá, dễ rè loa")
    )


def station_parts(name: str) -> tuple[str, str]:
    """What kind of station it is, and of which commune: the part that must stay readable when space is short."""
    kind = "Đài truyền thanh "
    # “xã” alone, as in a config nobody has filled in yet, says nothing.
    is_usual = name.casefold().startswith(kind.casefold()) and " " in name[len(kind) :].strip()
    return (name[: len(kind) - 1], name[len(kind) :]) if is_usual else ("", name)


def size(octets: int) -> str:
    """Bytes as kB or MB."""
    if octets < 1_000_000:
        return words.join(" ", [number(octets / 1000), "kB"])
    return words.join(" ", [number(octets / 1_000_000, 1), "MB"])


def rule(schedule: Schedule) -> str:
    """When a schedule sounds, as a sentence without its beginning."""
    at = f"{schedule.at:%H:%M:%S}" if schedule.is_now else f"{schedule.at:%H:%M}"
    on = recurrence.words(schedule.rule, schedule.start_date)
    if schedule.kind is ScheduleKind.ONCE:
        return words.join(" ", [at, on])
    first = short_date(schedule.start_date)
    if schedule.end_date is None:
        return say(
            "%(time)s %(days)s, từ %(first)s, chưa có ngày kết thúc", time=at, days=on, first=first
        )
    return say(
        "%(time)s %(days)s, từ %(first)s đến hết %(last)s",
        time=at,
        days=on,
        first=first,
        last=short_date(schedule.end_date),
    )


HEALTH = {
    Health.WELL: say("trực tuyến"),
    Health.IMPAIRED: say("có lỗi"),
    Health.OFFLINE: say("mất kết nối"),
    Health.NEVER: say("chưa kết nối lần nào"),
}
HEALTH_TONES = {
    Health.WELL: "good",
    Health.IMPAIRED: "doubt",
    Health.OFFLINE: "bad",
    Health.NEVER: "quiet",
}
