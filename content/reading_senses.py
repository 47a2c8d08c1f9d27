"""One abbreviation, several meanings: what stands before or behind it decides which is meant.

What no sense fits is left to the dictionary, which says the commonest meaning and asks staff to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from content.reading_draft import Draft, Found
from content.syllables import LOWER, UPPER, spell

_NAME = rf"\.? ?[{UPPER}][{LOWER}]+(?: [{UPPER}]|,|;|\.|\)| ?[-–]|$)"
_OFFICE = (
    r"\.? ?(?<=[. ])(?:UBND|HĐND|UB|UBMTTQ|MTTQ|[Hh]ội|HND|HPN|HCCB|LHPN|nước|QH|Quốc hội|xã|phường|huyện|tỉnh"
    r"|thị trấn|TP|[Cc]ông đoàn|CĐ|CLB|HĐQT|LĐLĐ)\b"
)
_POST = r" (?:CHỦ TỊCH|TRƯỞNG|GIÁM ĐỐC|CHÁNH|HIỆU TRƯỞNG|BÍ THƯ|CỤC TRƯỞNG|CHỈ HUY)\b"
_UNION = r"\b(?:chi )?hội(?: viên)?"
_GROUPS = r" (?:thôn|xóm|ấp|bản|tổ|khu|KP|TDP|trường|cơ quan|quân sự|công an)\b"

# Form → the senses in the order they are tried: said, behind which words (any case), before which.
# An empty pattern fits anywhere; "^" stands for the start of the line.
_TABLE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "BS": (("biển số", "", r"\.? ?:? ?\d\d ?-? ?[A-ZĐ]"),),
    "BV": (("bảo vệ", r"\b(?:ban|tổ|lực lượng|đội|nhân viên)", ""),),
    "CB": (
        ("chi bộ", r"\b(?:bí thư|PBT|cấp ủy|chi ủy|họp|sinh hoạt|đại hội|ĐH)", ""),
        ("chi bộ", "", _GROUPS),
    ),
    "CC": (
        (
            "công chức",
            "",
            r" (?:VH|TP-HT|ĐC|tư pháp|văn hóa|văn phòng|VP|địa chính|xã|phường|tài chính|TC)\b",
        ),
    ),
    "CGC": (("cựu giáo chức", _UNION, ""),),
    "CN": (
        ("công nghiệp", r"\b(?:khu|cụm|ngành|đất|điểm|SX|sản xuất|phát triển)", ""),
        ("chi nhánh", r"\b(?:Agribank|ngân hàng|BIDV|Vietcombank|VietinBank|NH\w*)", ""),
        ("chi nhánh", "", r" (?:huyện|tỉnh|khu vực)\b"),
        ("chi nhánh", "", r" (?:NH|[Nn]gân hàng|Agribank|[Đđ]iện lực|VPĐK)"),
        ("công nhân", "", r",? (?:lao động|viên chức|NLĐ|người lao động)\b"),
        ("công nhân", r"\b(?:đội ngũ|giai cấp|nữ|nhà ở)", ""),
        (
            "cử nhân",
            r"(?:^|[:(–-]|\b(?:ông|bà|đồng chí|viên|là)|(?<!T7)(?<!T6)(?<!\b7)(?<!bảy)(?<!tuần)(?<!\b6)[,;])",
            _NAME,
        ),
    ),
    "CO": (("xê o", r"\b(?:khí|ngộ độc|nồng độ|hàm lượng|hít phải)", ""),),
    "CP": (("cổ phần", r"\b(?:công ty|cty|c\.ty|CT|ngân hàng|vốn|TM)", ""),),
    "CT": (
        ("xê tê", r"\b(?:chụp|máy|phim)", ""),
        ("công ty", "", r" (?:TNHH|CP|cổ phần|MTV)\b"),
        (
            "chương trình",
            "",
            r" (?:MTQG|mục tiêu|OCOP|NTM|hành động|phối hợp|giảm nghèo|tín dụng|khuyến|hỗ trợ"
            r"|GDPT|công tác|văn nghệ|nông thôn mới|XDNTM|xây dựng nông thôn)\b",
        ),
        (
            "công trình",
            r"\b(?:thi công|các|xây|xây dựng|đầu tư|nghiệm thu|hạng mục|khởi công)",
            r"(?! ?của)",
        ),
        ("công trình", "", r" (?:thủy lợi|giao thông|xây dựng|nước|điện|đê)\b"),
        ("chủ tịch", "", rf"(?:{_OFFICE}|{_NAME})"),
        ("chủ tịch", r"(?:\b(?:phó|nguyên|ông|bà|đồng chí)|đ/c:?)", ""),
        ("chủ tịch", rf"(?-i:[{UPPER}][{LOWER}]+) ?[-–,]", ""),
        ("chỉ thị", r"\b(?:thực hiện|theo|quán triệt|triển khai|ban hành)", ""),
    ),
    "CV": (("chuyên viên", r"\b(?:đồng chí|ông|bà)", ""), ("chuyên viên", "", _NAME)),
    "CĐ": (
        (
            "công đoàn",
            r"\b(?:tổ|đoàn viên|chủ tịch|BCH)",
            "",
        ),
        ("công đoàn", "", r" (?:cơ sở|ngành|trường|xã)\b"),
    ),
    "DL": (("du lịch", r"\b(?:khu|điểm|khách|phát triển|ngành|dịch vụ|tua|tour)", ""),),
    "DO": (("dê o", r"(?-i:\b(?:[Dd]ầu|diesel|nhiên liệu))", ""),),
    "FO": (("ép o", r"(?-i:\b(?:[Dd]ầu|nhiên liệu))", ""),),
    "BB": (("bệnh binh", r"\d", ""),),
    "BT": (
        ("bí thư", "", r" (?:ĐU|[Đđ]ảng ủy|[Cc]hi bộ|CB|[Đđ]oàn|ĐTN|[Hh]uyện ủy|[Tt]ỉnh ủy|TU)\b"),
        ("bí thư", r"\bphó", ""),
    ),
    "ĐC": (("đồng chí", r"(?:\b(?:các|những|hai|ba|với)|\d)", ""), ("đồng chí", "", _NAME)),
    "ĐĐ": (("đại đức", "", r"\.? ?Thích\b"),),
    "GĐ": (
        (
            "gia đình",
            "",
            r" (?:văn hóa|VH|chính sách|thể thao|hiếu học|có công|liệt sĩ|ông|bà|anh|chị|em|tiêu biểu"
            r"|học tập|hạnh phúc|hội viên|nghèo|cận nghèo|khó khăn)\b",
        ),
        ("gia đình", r"\b(?:hộ|các|kế hoạch hóa|hôn nhân|mỗi)", ""),
    ),
    "HT": (
        ("hòa thượng", "", r"\.? ?Thích\b"),
        ("hiệu trưởng", "", rf"(?: (?:nhà )?trường\b|{_NAME})"),
        ("hiệu trưởng", r"\b(?:thầy|cô|đồng chí|phó)", ""),
        ("hội trường", r"\b(?:tại|trong|ở)", ""),
    ),
    "HA": (("héc-ta", r"\d", ""),),
    "HP": (("học phí", r"\b(?:thu|miễn|đóng|nộp|giảm)", ""),),
    "HS": (
        ("hình sự", r"\b(?:phạm pháp|vụ án|luật|trách nhiệm)", ""),
        ("hồ sơ", r"\b(?:nộp|bộ|tiếp nhận|hoàn thiện|giải quyết|thành phần)", ""),
    ),
    "HĐ": (
        (
            "hội đồng",
            "",
            r" (?:NVQS|thi đua|nghĩa vụ|bầu cử|tuyển sinh|thẩm định|đền bù|GPMB|xét|tư vấn|kỷ luật)\b",
        ),
        ("hoạt động", "", r" (?:văn nghệ|thể thao|hè|ngoại khóa|tín dụng|của)\b"),
    ),
    "KH": (
        ("khuyến học", rf"(?:{_UNION}|\bquỹ)", ""),
        ("khách hàng", r"\b(?:mã|quý|chăm sóc|tên)", ""),
        ("khoa học", "", r" (?:kỹ thuật|công nghệ|và công nghệ)\b"),
    ),
    "KN": (
        ("khiếu nại", r"\b(?:đơn|giải quyết|GQ)", ""),
        ("kỷ niệm", r"\b(?:lễ|tổ chức)", r" \d"),
    ),
    "KT": (
        ("ký thay", "", _POST),
        ("kiểm tra", r"\b(?:UB|ủy ban|công tác|đoàn)", ""),
        ("kỹ thuật", r"\b(?:tiến bộ|khoa học|chuyển giao|tập huấn|cán bộ|hướng dẫn)", ""),
        ("kinh tế", r"\b(?:phòng|phát triển|tổ|ban|sở|khu|mô hình|hộ)", ""),
    ),
    "LĐ": (("lãnh đạo", "", r" (?:UBND|HĐND|ĐU|[Đđ]ảng ủy|UBMTTQ|xã|phường|thôn)\b"),),
    "LS": (
        (
            "liệt sĩ",
            r"\b(?:thương binh|TB|gia đình|nghĩa trang|hài cốt|mộ|vợ|con|bố|cha|mẹ|thân nhân),?",
            "",
        ),
    ),
    "ND": (("nông dân", _UNION, ""),),
    "NH": (("năm học", "", r" \d{4}"),),
    "NK": (("nhiệm kỳ", "", r" \d{4}"),),
    "OA": (("o a", r"\bzalo", ""),),
    "SP": (("sản phẩm", r"(?:\d|\b(?:các|mỗi|bán|giới thiệu))", ""),),
    "TB": (
        ("thương binh", "", r" (?:[1-4]/4|hạng|nặng)"),
        ("thương binh", r"(?:\d|\b(?:gia đình|chế độ))", ""),
        ("trung bình", r"\b(?:điểm|loại|mức|nhiệt độ)", ""),
        ("thiết bị", r"\b(?:máy móc|trang|bảo trì)", ""),
    ),
    "TC": (
        ("tài chính", r"\b(?:sở|phòng|bộ|kế toán|chuyên viên|công chức)", ""),
        ("tổ chức", r"\b(?:ban)", ""),
    ),
    "TH": (
        ("truyền hình", r"\b(?:đài|truyền thanh|phát thanh|kênh)", ""),
        ("trường hợp", r"\d", ""),
    ),
    "TM": (("thay mặt", "", r" (?:UBND|HĐND|ĐẢNG|BAN|BCH|BTV|UBMTTQ|HỘI)\b"),),
    "TN": (
        ("tốt nghiệp", "", r" (?:THPT|THCS|[Tt]iểu học|[Đđ]ại học|ĐH|[Cc]ao đẳng)\b"),
        ("tốt nghiệp", r"\b(?:thi|xét)", ""),
        ("thanh niên", r"\b(?:đoàn|hội|đội)", ""),
    ),
    "THT": (("tụ huyết trùng", r"\b(?:vắc xin|tiêm|bệnh|dịch|LMLM)\b[^.;]{0,20}", ""),),
    "TL": (("thừa lệnh", "", _POST), ("tỷ lệ", "", r" ?\d+[:/]\d"), ("tỉnh lộ", "", r"\. ?\d")),
    "TT": (
        ("thường trực", r"\b(?:PBT|phó bí thư|phó chủ tịch)", ""),
        ("thường trực", "", r" (?:ĐU|[Đđ]ảng ủy|HĐND|UBND|UBMTTQ|MTTQ|[Tt]ỉnh ủy)\b"),
        ("truyền thanh", r"\b(?:đài|loa|hệ thống)", ""),
        ("thượng tọa", "", r"\.? ?Thích\b"),
        (
            "trung tâm",
            "",
            r" (?:[Yy] tế|[Vv]ăn hóa|VH|[Dd]ạy nghề|GDTX|GDNN|[Kk]huyến nông|[Pp]hục vụ|[Hh]ành chính"
            r"|[Hh]ọc tập|[Bb]ồi dưỡng|[Cc]hính trị|[Gg]iống|[Dd]ịch vụ|HCC|PVHCC)\b",
        ),
    ),
    "VT": (
        ("viễn thông", r"\b(?:bưu chính|dịch vụ)", ""),
        ("vận tải", r"\b(?:xe|HTX|hợp tác xã|doanh nghiệp)", ""),
    ),
}


class _Sense(NamedTuple):
    said: str
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None


def _compiled(said: str, before: str, after: str) -> _Sense:
    return _Sense(
        said,
        re.compile(rf"{before} ?$", re.IGNORECASE) if before else None,
        re.compile(after) if after else None,
    )


_SENSES = {form: tuple(_compiled(*row) for row in rows) for form, rows in _TABLE.items()}
FORM = re.compile(rf"(?<![\w&/-])(?:{'|'.join(_SENSES)})(?!\w|[&/-][A-ZĐ])")

STREET = re.compile(
    rf"(?<!\w)(?P<letter>[Đđ])\. ?(?=[{UPPER}][{LOWER}]+ [{UPPER}]|\d{{1,2}}[/-]\d)"
)
_STREET_BEFORE = re.compile(
    r"(?:^|[,;:(/–-] ?|\d[A-Za-z]? |\b(?:số|tại|ở|trên|từ|đến|qua|dọc|tuyến|ngã ba|ngã tư|góc|và|vào"
    r"|giao|cắt|với|địa chỉ) )$",
    re.IGNORECASE,
)
COMMUNE = re.compile(
    rf"(?m)^(?P<lead>[ \r*-]*)X\. ?(?=[{UPPER}][{LOWER}]+(?: [{UPPER}][{LOWER}]|,))"
)
_NINTH = re.compile(r"(?m)^[ \r*-]*IX[.)]")
MESSAGE = re.compile(
    r"\b(?:[Ss]oạn(?: tin)?|[Nn]hắn(?: tin)?|[Cc]ú pháp)(?: theo cú pháp)?:? (?P<typed>[^.;\n]{1,40}?) gửi\b"
)
_TYPED = re.compile(r"(?<!\w)[A-Z]{2,5}(?!\w)")
NOT = re.compile(r"(?<![\w'/.-])[kK](?= [a-zà-ỹđ]{2})")
_LETTER_K = re.compile(r"(?:\d|\b(?:vitamin|nhóm|lớp|điểm|loại|chữ|khu|lô|tổ)) ?$", re.IGNORECASE)

_CHAT = "“k” đọc là “không”; nếu không phải, hãy viết đầy đủ."


def senses(draft: Draft) -> Iterator[Found]:
    """CP of a company is cổ phần, CN before a name is cử nhân, CT of a commune is chủ tịch."""
    for match in draft.at_capitals(FORM):
        form, (start, end) = match.group(), match.span()
        if _taken_otherwise(draft, form, start, end):
            continue
        before, after = draft.before(start), draft.after(end)
        sense = next((one for one in _SENSES[form] if _meant(one, before, after)), None)
        if sense is not None:
            # The point of "CN. Hoa" is the abbreviation's; one that ends the sentence is not.
            pointed = sense.after is not None and re.match(r"\. ?\S", after) is not None
            yield Found(start, end + pointed, sense.said, "dictionary")


def _meant(sense: _Sense, before: str, after: str) -> bool:
    if sense.before is not None and not sense.before.search(before):
        return False
    return sense.after is None or sense.after.match(after) is not None


def _taken_otherwise(draft: Draft, form: str, start: int, end: int) -> bool:
    """Whether the commune has its own reading of the form, or a longer form stands here (KH&CN)."""
    own = draft.dictionary.get(form)
    if own is not None and draft.dictionary.is_own(own):
        return True
    longest = draft.dictionary.longest(draft.masked, start)
    return longest is not None and len(longest.form) > end - start + 1


def texted(draft: Draft) -> Iterator[Found]:
    """ "Nhắn tin TC 001 gửi 156": what is to be typed goes letter by letter."""
    for message in MESSAGE.finditer(draft.masked if "gửi" in draft.masked else ""):
        for word in _TYPED.finditer(message["typed"]):
            entry = draft.dictionary.get(word.group())
            if entry is not None and not draft.dictionary.is_own(entry):
                at = message.start("typed")
                yield Found(at + word.start(), at + word.end(), spell(word.group()), "letter")


def streets(draft: Draft) -> Iterator[Found]:
    """ "Đ. Trần Phú" and, at the start of a line, "X. Tân Lập": no letter, no Roman ten."""
    for match in STREET.finditer(draft.text if "Đ." in draft.text or "đ." in draft.text else ""):
        before = draft.before(match.start())
        priced = match["letter"] == "đ" and before.strip()[-1:].isdigit()
        if not priced and _STREET_BEFORE.search(before):
            yield Found(match.start(), match.end(), "đường ", "dictionary")
    if "X." in draft.masked and not _NINTH.search(draft.text):
        for match in COMMUNE.finditer(draft.masked):
            yield Found(match.end("lead"), match.end(), "xã ", "dictionary")


def chat(draft: Draft) -> Iterator[Found]:
    """ "k xả rác": không, as people type it."""
    for match in NOT.finditer(draft.masked):
        if not _LETTER_K.search(draft.before(match.start())):
            yield Found(*match.span(), "không", "dictionary", _CHAT)
