"""Languages a bulletin is heard in: ISO 639 codes and what their speakers' people are called in Vietnamese."""

from __future__ import annotations

KINH = "vi"
"""Every bulletin has this version; an area whose language has none of its own hears it."""

NAMES: dict[str, str] = {
    KINH: "Kinh",
    "bdq": "Ba Na",
    "cjm": "Chăm",
    "kpm": "Cơ Ho",
    "ium": "Dao",
    "rad": "Ê Đê",
    "jra": "Gia Rai",
    "zh": "Hoa",
    "hre": "Hrê",
    "km": "Khmer",
    "kha": "Khơ Mú",
    "cmo": "Mnông",
    "hmn": "Mông",
    "mtq": "Mường",
    "nut": "Nùng",
    "rog": "Ra Glai",
    "san": "Sán Chay",
    "tyz": "Tày",
    "tha": "Thái",
    "bru": "Vân Kiều",
    "sed": "Xơ Đăng",
    "sti": "Xtiêng",
}


def name(code: str) -> str:
    """What staff call it; a code of older data that is not listed is shown as it is."""
    return NAMES.get(code, code)
