"""Presets: rules that localities have set, for a station to begin from and adapt."""

from __future__ import annotations

import msgspec

from loa.words import say
from scheduler.rulebook import USUAL_KINDS, DayKind, Rulebook, Slot


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A rulebook with where it comes from."""

    key: str
    name: str
    source: str
    rules: Rulebook


def _without_sessions(key: str) -> tuple[DayKind, ...]:
    return tuple(
        msgspec.structs.replace(kind, sessions=kind.sessions and kind.key != key)
        for kind in USUAL_KINDS
    )


PRESETS = (
    Preset(
        key="urban",
        name=say("Đô thị: 2 buổi × 15 phút, nghỉ cuối tuần"),
        source=say(
            "Như Hà Nội quy định cho phường nội đô từ 12/3/2021: tối đa 2 buổi mỗi ngày, 15 phút mỗi buổi, "
            "5 ngày mỗi tuần, trừ dịp đặc biệt."
        ),
        rules=Rulebook(
            slots=(
                Slot(key="sang", name="Sáng", start="07:30", minutes=15),
                Slot(key="chieu", name="Chiều", start="17:00", minutes=15),
            ),
            kinds=_without_sessions("weekend"),
            most_sessions=2,
            most_minutes=30,
            outside="reason",
            too_long="reason",
        ),
    ),
    Preset(
        key="rural",
        name=say("Nông thôn: 3 buổi × 45 phút"),
        source=say(
            "Như Vĩnh Phúc quy định từ 12/2022: tối đa 3 buổi mỗi ngày, 45 phút mỗi buổi, kể cả tiếp sóng."
        ),
        rules=Rulebook(
            slots=(
                Slot(key="sang", name="Sáng", start="06:00", minutes=45),
                Slot(key="trua", name="Trưa", start="11:00", minutes=45),
                Slot(key="chieu", name="Chiều", start="17:00", minutes=45),
            ),
            most_sessions=3,
            most_minutes=135,
            outside="reason",
            too_long="reason",
        ),
    ),
)
