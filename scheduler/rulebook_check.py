"""Whether a version of the regulation that somebody writes is one: no database, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from loa.errors import ScheduleError
from scheduler.rulebook import Cap, DayKind, Rulebook, Slot, kind_of, read_clock

MOST_SLOTS, MOST_CAPS, MOST_KINDS = 12, 12, 12
MOST_MINUTES = 24 * 60
LONGEST_ALONE = 60
"""An emergency on one officer's word is a bridge until the second comes, not a way around the second."""
KEPT = ("normal", "weekend", "holiday")
"""The calendar itself speaks of these kinds of day."""


def check(rules: Rulebook) -> None:
    """Raise ScheduleError where it contradicts itself; ``field`` is like ``slots-2-start``, from 0."""
    _check_counts(rules)
    _check_kinds(rules.kinds)
    known = {kind.key for kind in rules.kinds}
    usual = {kind.key for kind in rules.kinds if kind.sessions}
    for at, slot in enumerate(rules.slots):
        _check_slot(slot, f"slots-{at}", known)
    for (_, one), (second, other) in combinations(enumerate(rules.slots), 2):
        _check_apart(one, other, usual, f"slots-{second}-start")
    for at, cap in enumerate(rules.caps):
        _check_cap(cap, f"caps-{at}")


def _check_counts(rules: Rulebook) -> None:
    for number, most, what, field in (
        (len(rules.slots), MOST_SLOTS, "khung giờ phát", "slots"),
        (len(rules.caps), MOST_CAPS, "mức âm lượng theo giờ", "caps"),
        (len(rules.kinds), MOST_KINDS, "loại ngày", "kinds"),
    ):
        if number > most:
            raise ScheduleError(f"Có {number} {what}; tối đa {most}. Hãy bỏ bớt.", field=field)
    if rules.most_sessions is not None and not 1 <= rules.most_sessions <= MOST_SLOTS:
        raise ScheduleError(
            f"Số buổi mỗi ngày {rules.most_sessions} phải từ 1 đến {MOST_SLOTS}; không giới hạn thì để trống.",
            field="most_sessions",
        )
    if rules.most_minutes is not None and not 1 <= rules.most_minutes <= MOST_MINUTES:
        raise ScheduleError(
            f"Số phút mỗi ngày {rules.most_minutes} phải từ 1 đến {MOST_MINUTES}; không giới hạn thì để trống.",
            field="most_minutes",
        )
    if not 0 <= rules.alone_minutes <= LONGEST_ALONE:
        raise ScheduleError(
            f"Số phút một người được tự phát khẩn cấp {rules.alone_minutes} phải từ 0 đến {LONGEST_ALONE}.",
            field="alone_minutes",
        )


def _check_kinds(kinds: Sequence[DayKind]) -> None:
    keys = [kind.key for kind in kinds]
    names = [kind.name.casefold() for kind in kinds]
    for at, kind in enumerate(kinds):
        if not kind.name.strip():
            raise ScheduleError("Hãy đặt tên cho loại ngày này.", field=f"kinds-{at}-name")
        if keys.index(kind.key) != at or names.index(kind.name.casefold()) != at:
            raise ScheduleError(
                f"Đã có loại ngày “{kind.name}”. Hãy đặt tên khác.", field=f"kinds-{at}-name"
            )
    for key in KEPT:
        if key not in keys:
            name = kind_of(Rulebook(), key).name
            raise ScheduleError(
                f"Không bỏ được loại ngày “{name}”: lịch cần đến nó.", field="kinds"
            )


def _check_slot(slot: Slot, field: str, kinds: set[str]) -> None:
    if not slot.name.strip():
        raise ScheduleError("Hãy đặt tên cho khung giờ, ví dụ: Sáng.", field=f"{field}-name")
    read_clock(slot.start, f"{field}-start")
    if slot.minutes < 1:
        raise ScheduleError(
            f"Khung giờ “{slot.name}” dài {slot.minutes} phút; phải ít nhất 1 phút.",
            field=f"{field}-minutes",
        )
    if slot.until > MOST_MINUTES:
        raise ScheduleError(
            f"Khung giờ {slot} kéo sang ngày hôm sau. Hãy chia thành hai khung giờ.",
            field=f"{field}-minutes",
        )
    if not slot.weekdays:
        raise ScheduleError(
            f"Khung giờ “{slot.name}” chưa chọn thứ nào. Hãy chọn ít nhất một thứ.",
            field=f"{field}-weekdays",
        )
    if unknown := set(slot.kinds) - kinds:
        raise ScheduleError(
            f"Khung giờ “{slot.name}” nêu loại ngày không còn trong quy chế: {', '.join(sorted(unknown))}. "
            "Hãy bỏ chọn.",
            field=f"{field}-kinds",
        )


def _check_apart(one: Slot, other: Slot, usual: set[str], field: str) -> None:
    """Two sessions may not be held at once in one place. Areas are compared as named, not as they lie in each other."""
    if one.since >= other.until or other.since >= one.until:
        return
    if set(one.weekdays).isdisjoint(other.weekdays):
        return
    if set(one.kinds or usual).isdisjoint(other.kinds or usual):
        return
    if one.area_ids and other.area_ids and set(one.area_ids).isdisjoint(other.area_ids):
        return
    raise ScheduleError(
        f"Khung giờ {one} và {other} chồng lên nhau. Hãy đổi giờ hoặc bớt phút.", field=field
    )


def _check_cap(cap: Cap, field: str) -> None:
    read_clock(cap.since, f"{field}-since")
    read_clock(cap.until, f"{field}-until")
    if not 0 <= cap.most <= 100:
        raise ScheduleError(f"Âm lượng tối đa {cap.most} phải từ 0 đến 100.", field=f"{field}-most")
