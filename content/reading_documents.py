"""Numbers of official papers: 47/2020/NĐ-CP is number 47 of the year 2020, of the Government."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_letters

from content import numbers
from content.dictionary import Dictionary
from content.reading_draft import Draft, Found
from content.syllables import spell

TYPES = {
    "NĐ": "nghị định", "QĐ": "quyết định", "QyĐ": "quy định", "TT": "thông tư",
    "TTLT": "thông tư liên tịch", "NQ": "nghị quyết", "NQLT": "nghị quyết liên tịch",
    "CT": "chỉ thị", "CTr": "chương trình", "CTRPH": "chương trình phối hợp",
    "CTPH": "chương trình phối hợp", "KH": "kế hoạch", "KHPH": "kế hoạch phối hợp",
    "KHLT": "kế hoạch liên tịch", "KHLN": "kế hoạch liên ngành", "TB": "thông báo",
    "BC": "báo cáo", "CV": "công văn", "HD": "hướng dẫn", "HDLN": "hướng dẫn liên ngành",
    "TTr": "tờ trình", "GM": "giấy mời", "CĐ": "công điện", "QC": "quy chế", "KL": "kết luận",
    "PA": "phương án", "ĐA": "đề án", "DA": "dự án", "BB": "biên bản", "HĐ": "hợp đồng",
    "GP": "giấy phép", "GUQ": "giấy ủy quyền", "GGT": "giấy giới thiệu", "PL": "pháp lệnh",
    "LCT": "lệnh", "L": "lệnh", "VBHN": "văn bản hợp nhất", "TC": "thông cáo",
    "TgT": "thông tri", "TTri": "thông tri", "QCPH": "quy chế phối hợp", "PB": "phiếu báo",
    "PC": "phiếu chuyển", "SL": "sắc lệnh", "HĐKT": "hợp đồng kinh tế", "HĐLĐ": "hợp đồng lao động",
    "HĐDV": "hợp đồng dịch vụ", "HĐMB": "hợp đồng mua bán", "GCN": "giấy chứng nhận",
}  # fmt: skip
# What a paper is about, where others name who issued it.
_SUBJECTS = frozenset({"VPHC", "XPVPHC", "XPHC", "XLVPHC", "KPHQ", "KNTC"})
_JOINT = frozenset({"TTLT", "NQLT", "KHLT", "KHLN", "HDLN", "CTPH", "CTRPH", "KHPH", "QCPH"})

_BRANCHES = {
    "TTTT": "Thông tin và Truyền thông", "NV": "Nội vụ", "TC": "Tài chính", "YT": "Y tế",
    "GDĐT": "Giáo dục và Đào tạo", "GD&ĐT": "Giáo dục và Đào tạo", "CT": "Công Thương",
    "TNMT": "Tài nguyên và Môi trường", "NNMT": "Nông nghiệp và Môi trường",
    "NNPTNT": "Nông nghiệp và Phát triển nông thôn",
    "NN": "Nông nghiệp và Phát triển nông thôn", "GTVT": "Giao thông vận tải", "XD": "Xây dựng",
    "KHĐT": "Kế hoạch và Đầu tư", "LĐTBXH": "Lao động, Thương binh và Xã hội",
    "VHTTDL": "Văn hóa, Thể thao và Du lịch", "VHTT": "Văn hóa và Thể thao",
    "KHCN": "Khoa học và Công nghệ", "TP": "Tư pháp", "DTTG": "Dân tộc và Tôn giáo",
}  # fmt: skip
ISSUERS = {
    "CP": "Chính phủ", "TTg": "Thủ tướng Chính phủ", "TTG": "Thủ tướng Chính phủ",
    "CTN": "Chủ tịch nước", "CTUBND": "chủ tịch ủy ban nhân dân", "CTUB": "chủ tịch ủy ban",
    "CT": "chủ tịch", "CTHĐND": "chủ tịch hội đồng nhân dân", "TTHĐND": "thường trực hội đồng nhân dân",
    "UBND": "ủy ban nhân dân", "HĐND": "hội đồng nhân dân",
    "UBTVQH": "Ủy ban Thường vụ Quốc hội", "QH": "Quốc hội", "VPCP": "Văn phòng Chính phủ",
    "TTCP": "Thanh tra Chính phủ", "BCA": "Bộ Công an", "BQP": "Bộ Quốc phòng",
    "BNG": "Bộ Ngoại giao", "UBDT": "Ủy ban Dân tộc", "NHNN": "Ngân hàng Nhà nước",
    "TW": "Trung ương", "TƯ": "Trung ương", "BCT": "Bộ Chính trị", "BTCTW": "Ban Tổ chức Trung ương",
    "BTGTW": "Ban Tuyên giáo Trung ương", "UBKTTW": "Ủy ban Kiểm tra Trung ương",
    "TU": "tỉnh ủy", "HU": "huyện ủy", "QU": "quận ủy", "ThU": "thành ủy", "ĐU": "đảng ủy",
    "BTV": "ban thường vụ", "BTVTU": "ban thường vụ tỉnh ủy", "CB": "chi bộ", "BTG": "ban tuyên giáo",
    "BDV": "ban dân vận", "UBKT": "ủy ban kiểm tra", "MTTQ": "Mặt trận Tổ quốc",
    "MTTW": "Mặt trận Trung ương", "UBMTTQ": "ủy ban Mặt trận Tổ quốc", "BTT": "ban thường trực",
    "TLĐ": "Tổng Liên đoàn Lao động", "LĐLĐ": "liên đoàn lao động", "TWĐTN": "Trung ương Đoàn",
    "ĐTN": "đoàn thanh niên", "HND": "hội Nông dân", "HPN": "hội Phụ nữ", "HCCB": "hội Cựu chiến binh",
    "TAND": "tòa án nhân dân", "TANDTC": "Tòa án nhân dân tối cao", "HĐTP": "Hội đồng Thẩm phán",
    "VKSND": "viện kiểm sát nhân dân", "VKSNDTC": "Viện Kiểm sát nhân dân tối cao",
    "BCĐ": "ban chỉ đạo", "BCH": "ban chỉ huy", "BCHQS": "ban chỉ huy quân sự", "BTC": "Bộ Tài chính",
    "CA": "công an", "CAX": "công an xã", "CAP": "công an phường", "CAT": "công an tỉnh",
    "CATP": "công an thành phố", "BHXH": "bảo hiểm xã hội", "NHCS": "ngân hàng chính sách",
    "VP": "văn phòng", "VPUB": "văn phòng ủy ban nhân dân", "TYT": "trạm y tế",
    "PVHXH": "phòng Văn hóa và Xã hội", "KT": "phòng Kinh tế", "TTVH": "trung tâm văn hóa",
    "TTDV": "trung tâm dịch vụ", "THCS": "trường trung học cơ sở", "TH": "trường tiểu học",
    "MN": "trường mầm non", "THPT": "trường trung học phổ thông", "HTX": "hợp tác xã",
}  # fmt: skip

_PART = r"[A-ZĐƯ][A-Za-zĐđƯư0-9&]{0,11}"
_YEAR = r"(?:19|20)\d\d"
NUMBER = re.compile(
    rf"(?<![\w./-])(?P<number>\d{{1,6}}(?:\.\d{{1,3}}(?=[ /]))?[a-zA-Z]?)(?: ?/ ?(?P<year>{_YEAR}))? ?(?P<sep>[/-]) ?"
    rf"(?P<symbol>{_PART}(?: ?[-–/.] ?{_PART}){{0,4}})(?![\w&])(?:\.signed)?(?:\.pdf)?"
)
BLANK = re.compile(rf"(?<![\w/])(?:[.…_]{{1,40}} ?)?/ ?(?P<symbol>{_PART} ?[-/] ?{_PART})(?![\w&])")
BARE = re.compile(rf"(?<![\w/&-])(?P<symbol>{_PART}-{_PART})(?![\w&/-])")
SHORT = re.compile(rf"(?<![\w./])(?P<number>\d{{1,5}}(?:\.\d{{1,2}})?)/(?P<year>{_YEAR})(?![\d/])")
TYPE = re.compile(
    r"(?<![\w&/.-])(?P<type>NĐ|QĐ|TT|NQ|CT|KH|CV|TB|HD|KL|BC|TTr|CTr|GM)"
    r"(?:(?<=NĐ)|(?<=NQ)|(?<=QĐ)|(?<=TT)|(?= ))(?= ?(?:số:? ?)?\d)(?! ?\d{1,3}[.,]\d{1,2}(?!\d))"
)
_STRONG = frozenset({"CP", "TW", "TƯ", "TU", "ĐU", "QH"})
_SPLIT = re.compile(r" ?[-–/.] ?")

_LISTED_PAPERS = 6
_NEXT = re.compile(r",? (?:và )?(?:số )?(?=\d)|, ?(?=\d)")
_DAY = r"ngày (?:\d[\d/. -]{2,11}|\d{1,2} tháng \d{1,2} năm \d{4})"
_HOUR = r"(?:hồi|lúc) \d{1,2}(?: ?[h:g] ?| giờ ?)(?:\d\d)?(?: phút)?,? ?"
_GOES_ON = re.compile(rf",? ?(?:{_HOUR})?(?:{_DAY})?,? ?\(?(?:của|do)\b", re.IGNORECASE)
_TYPE_WORDS = "|".join(
    sorted({*TYPES.values(), "văn bản", "luật", "bộ luật", "đề án", "phiếu", "lệnh"}, key=len)[::-1]
)
_SAYS_TYPE = re.compile(rf"\b(?:{_TYPE_WORDS})\b", re.IGNORECASE)
_SAYS_TYPE_SHORT = re.compile(rf"(?<!\w)(?:{'|'.join(TYPES)}|VB)\b(?!/)")
_ENDS_IN_NUMBER_WORD = re.compile(r"\bsố ?:? ?$", re.IGNORECASE)
_ENDS_IN_TYPE = re.compile(
    rf"(?:\b(?:{_TYPE_WORDS})|(?<!\w)(?:{'|'.join(TYPES)}))(?: số)? ?:? ?$", re.IGNORECASE
)
_ISSUE = re.compile(r"(?<!nhà )(?<!hộ )\bsố ?:? ?$", re.IGNORECASE)
_ASSEMBLY = re.compile(r"(QH|UBTVQH)(\d{1,2})$")


def issuer(code: str, dictionary: Dictionary) -> str | None:
    """Who stands behind "CP", "STTTT", "QH15"; None where nobody is known."""
    assembly = _ASSEMBLY.fullmatch(code)
    if assembly:
        return f"{ISSUERS[assembly[1]]} khóa {numbers.integer(int(assembly[2]))}"
    if code in ISSUERS:
        return ISSUERS[code]
    if code[:1] in "BS" and code[1:] in _BRANCHES:
        return f"{'Bộ' if code[0] == 'B' else 'Sở'} {_BRANCHES[code[1:]]}"
    entry = dictionary.get(code)
    return entry.spoken if entry else None


def _is_symbol(draft: Draft, match: re.Match[str], parts: list[str]) -> bool:
    """Whether the letters behind a number are a paper's symbol and not, say, "50/Người"."""
    kind = parts[0] in TYPES
    if match["sep"] == "-":  # the Party's way of writing: 05-CT/TW
        return kind and len(parts) > 1
    if len(parts) > 1:
        known = kind or issuer(parts[0], draft.dictionary) is not None
        return known or match["year"] is not None or _names_paper(draft, match.start())
    if kind and match["year"] and _names_paper(draft, match.start()):
        return True
    if kind or parts[0] in ISSUERS:
        named = parts[0] in ("CP", "TTg") or len(parts[0]) > 2
        return named or _names_paper(draft, match.start())
    return issuer(parts[0], Dictionary(())) is not None


def _authors(parts: list[str], dictionary: Dictionary) -> tuple[str, str | None]:
    """ "của …" for the symbol's issuers, and a warning when one had to be spelled."""
    kind = parts[0] if parts[0] in TYPES else ""
    codes = [code for code in (parts[1:] if kind else parts) if code not in _SUBJECTS]
    if not codes:
        return "", None
    named = codes if kind in _JOINT else codes[:1]  # what follows is the drafting office
    if kind in _JOINT:
        known = {code: issuer(code, dictionary) or _BRANCHES.get(code) for code in named}
    else:
        known = {code: issuer(code, dictionary) for code in named}
    said = [name or _spelled(code) for code, name in known.items()]
    unknown = [code for code, name in known.items() if name is None]
    warning = None
    if unknown:
        warning = f"Chưa biết “{unknown[0]}” là cơ quan nào; hãy thêm vào từ điển hoặc viết đầy đủ."
    return f" của {' và '.join(said)}", warning


def _spelled(code: str) -> str:
    return " ".join(
        numbers.plain(run) if run.isdigit() else spell(run)
        for run in re.findall(r"\d+|[^\W\d_]+|&", code)
        if run != "&"
    )


def _number(text: str) -> str:
    if "." in text:  # 66.7/2025/NQ-CP
        whole, part = text.split(".")
        if len(part) == 3:
            return numbers.integer(int(whole + part))
        return " chấm ".join(map(_number, text.split(".")))
    if text[-1].isdigit():
        return numbers.plain(text)
    return f"{numbers.plain(text[:-1])} {spell(text[-1])}"


def _sentence_before(draft: Draft, start: int) -> str:
    return re.split(r"[.;!?] ", draft.before(start, 60))[-1]


def _names_paper(draft: Draft, start: int) -> bool:
    """Whether the words before speak of a paper at all."""
    before = _sentence_before(draft, start)
    return bool(
        _ENDS_IN_NUMBER_WORD.search(before)
        or _SAYS_TYPE.search(before)
        or _SAYS_TYPE_SHORT.search(before)
    )


def _says_type(draft: Draft, start: int, kind: str) -> bool:
    """Whether the text itself already says what kind of paper this is."""
    before = _sentence_before(draft, start)
    if _ENDS_IN_NUMBER_WORD.search(before) or _ENDS_IN_TYPE.search(before):
        return True
    return TYPES[kind] in before.lower() or re.search(rf"(?<!\w){kind}\b(?!/)", before) is not None


def _goes_on(draft: Draft, match: re.Match[str]) -> bool:
    """Whether the text itself says whose the paper is: behind it, or behind the last of a list."""
    end = match.end()
    for _ in range(_LISTED_PAPERS):
        if _GOES_ON.match(draft.after(end, 60)):
            return True
        following = _NEXT.match(draft.text, end)
        paper = following and NUMBER.match(draft.text, following.end())
        if not paper or paper["symbol"] != match["symbol"]:
            return False
        end = paper.end()
    return False


def document_numbers(draft: Draft) -> Iterator[Found]:
    """47/2020/NĐ-CP, 104/KH-UBND, 650/BTTTT-TTCS, 05-CT/TW, 06/CP, 31/2024/QH15."""
    for match in draft.at_numbers(NUMBER, then=ascii_letters + "/-."):
        parts = _SPLIT.split(match["symbol"])
        if not _is_symbol(draft, match, parts):
            continue
        said = _number(match["number"])
        if match["year"]:
            said += f" năm {numbers.integer(int(match['year']))}"
        if parts[0] in TYPES and not _says_type(draft, match.start(), parts[0]):
            said = f"{TYPES[parts[0]]} {said}"
        warning = None
        if not _goes_on(draft, match):
            authors, warning = _authors(parts, draft.dictionary)
            said += authors
        yield Found(match.start(), match.end(), said, "document_number", warning)


def symbols_without_number(draft: Draft) -> Iterator[Found]:
    """A number left blank ("Số: …/KH-UBND") and a symbol standing alone ("QĐ-TTg")."""
    blanks = BLANK.finditer(draft.masked if "/" in draft.masked else "")
    for pattern, matches in ((BLANK, blanks), (BARE, draft.at_capitals(BARE))):
        for match in matches:
            parts = _SPLIT.split(match["symbol"])
            if parts[0] not in TYPES or issuer(parts[1], draft.dictionary) is None:
                continue
            weak = len(parts[1]) < 3 and parts[1] not in _STRONG
            if pattern is BARE and (weak or draft.dictionary.get(match["symbol"])):
                continue  # KH-KT is no plan of anybody's
            authors, _ = _authors(parts, draft.dictionary)
            warning = "Văn bản chưa có số." if pattern is BLANK else None
            yield Found(
                match.start(), match.end(), TYPES[parts[0]] + authors, "document_number", warning
            )


def short_numbers(draft: Draft) -> Iterator[Found]:
    """ "Nghị định 49/2024": number and year, where the paper is named in words before."""
    for match in draft.at_numbers(SHORT, then="/."):
        before = draft.before(match.start())
        numbered = match["year"] > "1999" and _ISSUE.search(before)
        if numbered or _ENDS_IN_TYPE.search(before):
            year = numbers.integer(int(match["year"]))
            said = f"{_number(match['number'])} năm {year}"
            yield Found(match.start(), match.end(), said, "document_number")


def document_types(draft: Draft) -> Iterator[Found]:
    """TT and CT mean a paper when a number follows: "TT 39", "CT số 05"."""
    for match in draft.at_capitals(TYPE, draft.text):
        yield Found(match.start(), match.end(), TYPES[match["type"]], "document_type")
