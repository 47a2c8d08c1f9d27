"""Units and the words for them: what a number can measure, and what stands behind a slash."""

from __future__ import annotations

from content.syllables import any_of, word_set

LENGTHS = {
    "km": "ki-lô-mét", "km2": "ki-lô-mét vuông", "m": "mét", "m2": "mét vuông", "m3": "mét khối",
    "cm": "xen-ti-mét", "cm2": "xen-ti-mét vuông", "cm3": "xen-ti-mét khối", "dm": "đề-xi-mét",
    "mm": "mi-li-mét", "ha": "héc-ta", "ml": "mi-li-lít", "l": "lít", "mg": "mi-li-gam",
    "g": "gam", "gr": "gam", "kg": "ki-lô-gam", "µg": "mi-crô-gam", "μg": "mi-crô-gam",
}  # fmt: skip
OTHERS = {
    "W": "oát", "kW": "ki-lô-oát", "KW": "ki-lô-oát", "MW": "mê-ga-oát", "kWh": "ki-lô-oát giờ",
    "KWh": "ki-lô-oát giờ", "kwh": "ki-lô-oát giờ", "V": "vôn", "kV": "ki-lô-vôn", "KV": "ki-lô-vôn",
    "kVA": "ki-lô-vôn am-pe", "KVA": "ki-lô-vôn am-pe", "Hz": "héc", "kHz": "ki-lô-héc",
    "MHz": "mê-ga-héc", "GB": "ghi-ga-bai", "MB": "mê-ga-bai",
    "Mbps": "mê-ga-bít một giây", "dB": "đề-xi-ben", "dBA": "đề-xi-ben", "s": "giây", "h": "giờ",
    "p": "phút", "ph": "phút", "'": "phút", "''": "giây", "k": "nghìn", "K": "nghìn", "tr": "triệu",
    "Tr": "triệu", "ppm": "phần triệu", "mmol": "mi-li-mol", "GHz": "ghi-ga-héc",
    "kWp": "ki-lô-oát pích", "mAh": "mi-li-am-pe giờ", "Ah": "am-pe giờ", "inch": "inh", "kcal": "ki-lô ca-lo",
    "mcg": "mi-crô-gam", "IU": "đơn vị quốc tế",
    "UI": "đơn vị quốc tế", "cc": "phân khối", "mmHg": "mi-li-mét thủy ngân", "L": "lít",
}  # fmt: skip
MONEY = {
    "đ": "đồng", "Đ": "đồng", "đồng": "đồng", "VNĐ": "đồng", "VND": "đồng", "vnđ": "đồng",
    "vnd": "đồng", "₫": "đồng", "USD": "đô la Mỹ", "$": "đô la", "€": "ơ-rô", "EUR": "ơ-rô",
}  # fmt: skip
# 350 tr.đ: written as one word, said as two.
MILLIONS = {
    form + currency: f"{said} đồng"
    for form, said in (("tr", "triệu"), ("Tr", "triệu"), ("ng", "nghìn"))
    for currency in ("đ", ".đ", " đ", "đồng", ".đồng", " đồng", ". đồng")
} | {"triệuđ": "triệu đồng", "tỷđ": "tỷ đồng", "nghìnđ": "nghìn đồng", "ngànđ": "ngàn đồng"}
STARS = {"*": "sao"}  # OCOP 3*
TEMPERATURES = {"°C": "độ xê", "° C": "độ xê", "oC": "độ xê", "℃": "độ xê", "độ C": "độ xê",
                "°F": "độ ép", "°": "độ",
                "°N": "độ Bắc", "°E": "độ Đông"}  # fmt: skip
TIGHT = frozenset(
    {"k", "K", "p", "s", "V", "W", "Đ", "'", "*", "T", "M"}
)  # too short to stand behind a space
PERCENTS = {"%": "phần trăm", "‰": "phần nghìn"}
# Shown with a capital by habit only.
_CAPITALS = {name.capitalize(): said for name, said in LENGTHS.items() if len(name) > 1}
_UPPER = {name.upper(): said for name, said in LENGTHS.items() if name[:2] in ("km", "kg", "cm")}
# In lines of capitals; M alone is a metre nowhere else.
_SHOUTED = {"MM": "mi-li-mét", "HA": "héc-ta", "ML": "mi-li-lít", "M2": "mét vuông", "M3": "mét khối",
            "M": "mét", "TR": "triệu", "T": "tấn", "HP": "mã lực"}  # fmt: skip
_SQUARES = {
    name[:-1] + sign: said
    for name, said in (LENGTHS | _CAPITALS | _UPPER).items()
    for digit, sign in (("2", "²"), ("3", "³"))
    if name.endswith(digit)
}
MEASURES = LENGTHS | _CAPITALS | _UPPER | _SQUARES | OTHERS
UNITS = MEASURES | _SHOUTED | MONEY | MILLIONS | STARS | TEMPERATURES | PERCENTS
ANY_UNIT = any_of(UNITS)
# Not to be looked for without a number before them.
NEVER_ALONE = word_set("ha tr ph dm gr mb gb")
ALONE = tuple(
    unit
    for unit in (*MEASURES, "USD", "VNĐ", "VND", "℃", "°C", "trđ", "tr.đ", "trđồng", "tr.đồng")
    if len(unit) > 1 and unit.lower() not in NEVER_ALONE
)
# Units that are words by themselves, behind a slash: đồng/tháng, lần/ngày.
PER_WORDS = word_set(
    "ngày đêm tuần tháng quý năm giờ phút giây người hộ khẩu suất vụ lần buổi ca con cây cái chiếc "
    "bộ bao gói chai vé tấn tạ yến lít sào mẫu công khóa đợt bình lượt tiết học đầu cân bữa"
)
# Groups of people: so many for each of them.
PER_GROUPS = word_set(
    "tổ lớp thôn xã phường đội nhóm hộ người ngày đêm tháng năm tuần buổi trường phòng bàn xe chuyến trận mâm "
    "lứa vụ ca lần khóa đợt tiết giờ em cháu trẻ"
)
PER_PAIRS = (
    "xe máy", "xe đạp", "ô tô", "xe ô tô", "học sinh", "hộ dân", "gia đình", "hộ gia đình", "hồ sơ",
    "nhân khẩu", "lao động", "sản phẩm", "trường hợp", "đơn vị", "thành viên", "đại biểu", "giáo viên",
    "bệnh nhân", "ngày công", "ngày đêm", "mét vuông", "mét khối", "hội viên", "lượt khám", "đầu người",
)  # fmt: skip
