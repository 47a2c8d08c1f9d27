"""Whether a version of the regulation that somebody writes is one: no database, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from loa.errors import ScheduleError
from loa.words import say
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
        (len(rules.slots), MOST_SLOTS, say("khung giờ phát"), "slots"),
        (len(rules.caps), MOST_CAPS, say("mức âm lượng theo giờ"), "caps"),
        (len(rules.kinds), MOST_KINDS, say("loại ngày"), "kinds"),
    ):
        if number > most:
            raise ScheduleError(
                say(
                    "Có %(number)s %(what)s; tối đa %(most)s. Hãy bỏ bớt.",
                    number=number,
                    what=what,
                    most=most,
                ),
                field=field,
            )
    if rules.most_sessions is not None and not 1 <= rules.most_sessions <= MOST_SLOTS:
        raise ScheduleError(
            say(
                "Số buổi mỗi ngày %(sessions)s phải từ 1 đến %(most)s; không giới hạn thì để trống.",
                sessions=rules.most_sessions,
                most=MOST_SLOTS,
            ),
            field="most_sessions",
        )
    if rules.most_minutes is not None and not 1 <= rules.most_minutes <= MOST_MINUTES:
        raise ScheduleError(
            say(
                "Số phút mỗi ngày %(minutes)s phải từ 1 đến %(most)s; không giới hạn thì để trống.",
                minutes=rules.most_minutes,
                most=MOST_MINUTES,
            ),
            field="most_minutes",
        )
    if not 0 <= rules.alone_minutes <= LONGEST_ALONE:
        raise ScheduleError(
            say(
                "Số phút một người được tự phát khẩn cấp %(minutes)s phải từ 0 đến %(most)s.",
                minutes=rules.alone_minutes,
                most=LONGEST_ALONE,
            ),
            field="alone_minutes",
        )


def _check_kinds(kinds: Sequence[DayKind]) -> None:
    keys = [kind.key for kind in kinds]
    names = [kind.name.casefold() for kind in kinds]
    for at, kind in enumerate(kinds):
        if not kind.name.strip():
            raise ScheduleError(say("Hãy đặt tên cho loại ngày này."), field=f"kinds-{at}-name")
        if keys.index(kind.key) != at or names.index(kind.name.casefold()) != at:
            raise ScheduleError(
                say("Đã có loại ngày “%(name)s”. Hãy đặt tên khác.", name=kind.name),
                field=f"kinds-{at}-name",
            )
    for key in KEPT:
        if key not in keys:
            name = kind_of(Rulebook(), key).name
            raise ScheduleError(
                say("Không bỏ được loại ngày “%(name)s”: lịch cần đến nó.", name=name),
                field="kinds",
            )


def _check_slot(slot: Slot, field: str, kinds: set[str]) -> None:
    if not slot.name.strip():
        raise ScheduleError(say("Hãy đặt tên cho khung giờ, ví dụ: Sáng."), field=f"{field}-name")
    read_clock(slot.start, f"{field}-start")
    if slot.minutes < 1:
        raise ScheduleError(
            say(
                "Khung giờ “%(name)s” dài %(minutes)s phút; phải ít nhất 1 phút.",
                name=slot.name,
                minutes=slot.minutes,
            ),
            field=f"{field}-minutes",
        )
    if slot.until > MOST_MINUTES:
        raise ScheduleError(
            say(
                "Khung giờ %(slot)s kéo sang ngày hôm sau. Hãy chia thành hai khung giờ.", slot=slot
            ),
            field=f"{field}-minutes",
        )
    if not slot.weekdays:
        raise ScheduleError(
            say(
                "Khung giờ “%(name)s” chưa chọn thứ nào. Hãy chọn ít nhất một thứ.", name=slot.name
            ),
            field=f"{field}-weekdays",
        )
    if unknown := set(slot.kinds) - kinds:
        raise ScheduleError(
            say(
                "Khung giờ “%(name)s” nêu loại ngày không còn trong quy chế: %(unknown)s. "
                "Hãy bỏ chọn.",
                name=slot.name,
                unknown=", ".join(sorted(unknown)),
            ),
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
        say(
            "Khung giờ %(one)s và %(other)s chồng lên nhau. Hãy đổi giờ hoặc bớt phút.",
            one=one,
            other=other,
        ),
        field=field,
    )


def _check_cap(cap: Cap, field: str) -> None:
    read_clock(cap.since, f"{field}-since")
    read_clock(cap.until, f"{field}-until")
    if not 0 <= cap.most <= 100:
        raise ScheduleError(
            say("Âm lượng tối đa %(most)s phải từ 0 đến 100.", most=cap.most), field=f"{field}-most"
        )
