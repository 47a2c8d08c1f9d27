"""The shipped emergency templates by name, in the reader's language; what they say is Vietnamese, as it is read out."""

from __future__ import annotations

from loa.words import say
from scheduler.alert_templates import Template, known

NAMES = {
    "bao": say("Bão"), "lu": say("Lũ lên nhanh"), "xa-lu": say("Xả lũ hồ chứa"), "sat-lo": say("Lũ quét, sạt lở"),
    "chay-rung": say("Cháy rừng"), "chay-nha": say("Cháy nhà, cháy chợ"), "dong-dat": say("Động đất"),
    "song-than": say("Sóng thần"), "tre-lac": say("Tìm trẻ lạc"), "mat-nuoc": say("Mất nước, nước bẩn"),
    "mat-dien": say("Mất điện, dây điện đứt"), "dich-benh": say("Dịch bệnh, ngộ độc"),
}  # fmt: skip
_BLANKS = (
    say("Tên bão"), say("Giờ"), say("Nơi trú ẩn"), say("Nơi"), say("Nơi cao"), say("Số điện thoại"), say("Hồ"),
    say("Nơi tránh"), say("Nơi an toàn"), say("Nơi tập trung"), say("Đường"), say("Tên"), say("Tuổi"),
    say("Quần áo"), say("Việc gì"), say("Nơi cấp nước"), say("Bệnh"), say("Biểu hiện"),
)  # fmt: skip
BLANKS = {each[:1].lower() + each[1:]: each for each in _BLANKS}
"""A blank as the template has it, and as the label of its field."""


def of(key: str) -> str:
    return NAMES.get(key) or known()[key].name


def of_template(template: Template) -> str:
    return of(next(key for key, each in known().items() if each is template))


def of_blank(name: str) -> str:
    return BLANKS.get(name) or name[:1].upper() + name[1:]
