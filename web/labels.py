"""Every state, reason and time in Vietnamese: the only place where the pages take such words from."""

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
from loa import languages
from loa.staff import Role
from loa.times import DAY, HOUR, MINUTE, SECOND, Instant, local
from scheduler import lunar, recurrence, reports
from scheduler.broadcasts import DeliveryState, Tally
from scheduler.broadcasts import State as BroadcastState
from scheduler.exceptions import Kind as ExceptionKind
from scheduler.schedules import Kind as ScheduleKind
from scheduler.schedules import Schedule

BULLETIN_STATES = {
    BulletinState.DRAFT: "bản nháp",
    BulletinState.SUBMITTED: "chờ duyệt",
    BulletinState.APPROVED: "đã duyệt",
    BulletinState.REJECTED: "bị trả lại",
    BulletinState.WITHDRAWN: "đã thu hồi",
}
PART_KINDS: dict[type[Part], str] = {
    parts.Text: "văn bản máy đọc",
    parts.Recorded: "bản ghi âm",
    parts.Chime: "nhạc hiệu",
}
PRIORITIES = reports.PRIORITIES
RELAYED = reports.RELAYED
FIELDS = {
    1: "thông tin chung",
    2: "đột xuất",
    3: "đường lối, chính sách, pháp luật",
    4: "chỉ đạo điều hành",
    5: "kiến thức",
    6: "gương người tốt việc tốt",
}
BROADCAST_STATES = {
    BroadcastState.PLANNED: "chờ phát",
    BroadcastState.DISPATCHED: "đã giao lệnh",
    BroadcastState.ON_AIR: "đang phát",
    BroadcastState.FINISHED: "đã phát",
    BroadcastState.MISSED: "lỡ giờ",
    BroadcastState.CANCELLED: "đã huỷ",
}
DELIVERY_STATES = reports.STATES
reason = reports.reason
ROLES = {
    Role.EDITOR: "người soạn",
    Role.APPROVER: "người duyệt",
    Role.OPERATOR: "người vận hành",
    Role.ADMIN: "quản trị",
    Role.VIEWER: "người xem",
}
ROLE_DUTIES = {
    Role.EDITOR: "soạn bản tin, đặt lịch phát",
    Role.APPROVER: "nghe và duyệt bản tin của người khác; soạn, đặt lịch, dừng phát",
    Role.OPERATOR: "soạn bản tin, đặt lịch, dừng phát",
    Role.ADMIN: "quản lý đầu thu, địa bàn, cán bộ, quy chế; không duyệt bản tin",
    Role.VIEWER: "chỉ xem",
}
SCHEDULE_KINDS = {
    ScheduleKind.ONCE: "một lần",
    ScheduleKind.DAILY: "hằng ngày",
    ScheduleKind.WEEKDAYS: "các thứ trong tuần",
    ScheduleKind.OTHER: "khác…",
}
OTHER_RECURRENCES = {
    "moon": "ngày âm lịch hằng tháng (mùng một, rằm…)",
    "moon_year": "một ngày âm lịch mỗi năm",
    "month_days": "các ngày trong tháng",
    "nth": "một thứ trong tháng (ví dụ Chủ nhật đầu tiên)",
    "days": "mấy ngày một lần",
    "weeks": "mấy tuần một lần, vào các thứ",
    "year": "một ngày mỗi năm",
}
EXCEPTION_KINDS = {
    ExceptionKind.SKIP: "bỏ lượt",
    ExceptionKind.MOVE: "dời sang lúc khác",
    ExceptionKind.REPLACE: "phát bản tin khác",
}
NTH = {
    1: "đầu tiên",
    2: "lần thứ 2",
    3: "lần thứ 3",
    4: "lần thứ 4",
    5: "lần thứ 5",
    -1: "cuối cùng",
}
WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
SHORT_WEEKDAYS = ("T2", "T3", "T4", "T5", "T6", "T7", "CN")
EVIDENCE = {
    "E1": "đầu thu báo đã giải mã và phát hết âm thanh",
    "E2": "đầu thu đo thấy ampli có tải",
    "E3": "micro tại chỗ nghe thấy tiếng loa",
    "none": "đầu thu không nối loa: chạy hết bản ghi, không phát ra tiếng",
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
    if tally.total == 0:
        return Outcome(BROADCAST_STATES[state], "quiet", "không có đầu thu nào")
    if state in (BroadcastState.PLANNED, BroadcastState.DISPATCHED):
        ready = tally.of(DeliveryState.READY)
        rest = f"{ready}/{tally.total} đầu thu sẵn sàng" if ready else f"{tally.total} đầu thu"
        handed_out = "đã giao lệnh · " if state is BroadcastState.DISPATCHED else ""
        return Outcome(BROADCAST_STATES[BroadcastState.PLANNED], "wait", handed_out + rest)
    played, started = tally.of(DeliveryState.PLAYED), tally.of(DeliveryState.STARTED)
    troubles = [f"{tally.of(s)} {DELIVERY_STATES[s]}" for s in _TROUBLES if tally.of(s)]
    if state is BroadcastState.ON_AIR:
        done = [f"đã phát {played}/{tally.total}"] if played else []
        return Outcome(f"đang phát {started}/{tally.total}", "live", " · ".join(done + troubles))
    if played:
        tone = "good" if played == tally.total else "doubt"
        return Outcome(f"đã phát {played}/{tally.total}", tone, " · ".join(troubles))
    return Outcome(*_without_proof(state, tally, troubles))


def _without_proof(
    state: BroadcastState, tally: Tally, troubles: list[str]
) -> tuple[str, str, str]:
    unknown = tally.of(DeliveryState.UNKNOWN)
    if unknown == tally.total:
        return DELIVERY_STATES[DeliveryState.UNKNOWN], "doubt", f"{tally.total} đầu thu"
    tone = {BroadcastState.CANCELLED: "quiet", BroadcastState.FINISHED: "doubt"}.get(state, "bad")
    badge = "không trọn vẹn" if state is BroadcastState.FINISHED else BROADCAST_STATES[state]
    return badge, tone, " · ".join(troubles)


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
    return f"{local(instant, zone):%H:%M ngày %d/%m/%Y}" if instant is not None else ""


def soon(instant: Instant, now: Instant, zone: ZoneInfo) -> str:
    """17:05 of today; on another day with its date."""
    same_day = local(instant, zone).date() == local(now, zone).date()
    return clock(instant, zone) if same_day else moment(instant, zone)


def machine(instant: Instant, zone: ZoneInfo) -> str:
    """What <time datetime> holds."""
    return local(instant, zone).isoformat(timespec="seconds")


def long_day(when: date) -> str:
    """thứ Bảy, 21/11/2026."""
    return f"{WEEKDAYS[when.weekday()]}, {when:%d/%m/%Y}"


def moon(when: date) -> str:
    """By the moon: rằm tháng 10, mùng 1 tháng 11 nhuận, 23 tháng Chạp."""
    found = lunar.from_solar(when)
    day = "rằm" if found.day == 15 else f"mùng {found.day}" if found.day <= 10 else str(found.day)
    month = {1: "Giêng", 12: "Chạp"}.get(found.month, str(found.month))
    return f"{day} tháng {month}{' nhuận' if found.is_leap else ''}"


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
        return f"{seconds // 3600} giờ {seconds % 3600 // 60:02d} phút"
    if seconds >= 60:
        return f"{seconds // 60} phút {seconds % 60:02d} giây"
    return f"{seconds} giây"


def lateness(ms: int | None) -> str:
    """How a start compares with its time; under a second is on time, as the protocol promises no more."""
    if ms is None:
        return ""
    if abs(ms) < SECOND:
        return "đúng giờ"
    return f"muộn {duration(ms)}" if ms > 0 else f"sớm {duration(-ms)}"


def part_kind(part: Part) -> str:
    """What a part of a bulletin is."""
    return PART_KINDS[type(part)]


def relay_length(relay: Stream | Relay) -> str:
    """30 phút; one that its programme cuts off may have seconds, too."""
    return duration(relay.ms) if relay.ms % MINUTE else f"{relay.ms // MINUTE} phút"


def language(code: str) -> str:
    """tiếng Tày."""
    return f"tiếng {languages.name(code)}"


def ago(instant: Instant, now: Instant) -> str:
    """How long ago, in one unit."""
    past = max(now - instant, 0)
    if past < MINUTE:
        return "vừa xong"
    for unit, name in ((DAY, "ngày"), (HOUR, "giờ"), (MINUTE, "phút")):
        if past >= unit:
            return f"{past // unit} {name} trước"
    return ""


def number(value: float, digits: int = 0) -> str:
    """1.234,5 as it is written in Vietnam."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def loudness(lufs: float, true_peak_db: float) -> str:
    """Whether a finished sound is as loud as all others, in words for staff."""
    if lufs < LUFS - LUFS_OFF:
        return "độ to thấp hơn chuẩn"
    if lufs > LUFS + LUFS_OFF:
        return "độ to cao hơn chuẩn"
    return "độ to đạt chuẩn" if true_peak_db <= MOST_PEAK_DB else "có chỗ to quá, dễ rè loa"


def station_parts(name: str) -> tuple[str, str]:
    """What kind of station it is, and of which commune: the part that must stay readable when space is short."""
    kind = "Đài truyền thanh "
    # “xã” alone, as in a config nobody has filled in yet, says nothing.
    is_usual = name.casefold().startswith(kind.casefold()) and " " in name[len(kind) :].strip()
    return (name[: len(kind) - 1], name[len(kind) :]) if is_usual else ("", name)


def size(octets: int) -> str:
    """Bytes as kB or MB."""
    if octets < 1_000_000:
        return f"{number(octets / 1000)} kB"
    return f"{number(octets / 1_000_000, 1)} MB"


def rule(schedule: Schedule) -> str:
    """When a schedule sounds, as a sentence without its beginning."""
    at = f"{schedule.at:%H:%M:%S}" if schedule.is_now else f"{schedule.at:%H:%M}"
    days = recurrence.words(schedule.rule, schedule.start_date)
    if schedule.kind is ScheduleKind.ONCE:
        return f"{at} {days}"
    until = (
        f" đến hết {short_date(schedule.end_date)}"
        if schedule.end_date
        else ", chưa có ngày kết thúc"
    )
    return f"{at} {days}, từ {short_date(schedule.start_date)}{until}"


HEALTH = {
    Health.WELL: "trực tuyến",
    Health.IMPAIRED: "có lỗi",
    Health.OFFLINE: "mất kết nối",
    Health.NEVER: "chưa kết nối lần nào",
}
HEALTH_TONES = {
    Health.WELL: "good",
    Health.IMPAIRED: "doubt",
    Health.OFFLINE: "bad",
    Health.NEVER: "quiet",
}
