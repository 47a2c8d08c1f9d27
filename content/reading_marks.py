"""Web addresses, punctuation and signs: what a listener should hear of them, mostly a pause."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction

from content import numbers
from content.reading_draft import MASK, ODD, Draft, Found
from content.syllables import LETTERS, split_plain, word_set

EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}")
URL = re.compile(rf"(?<![\w@])(?:https?://|www\.)[^\s{MASK}<>\"“”()\[\]]{{1,2000}}", re.IGNORECASE)
DOMAIN = re.compile(
    r"(?<![\w@.\-/])[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){1,8}"
    rf"(?:/[^\s{MASK}<>\"“”()\[\]]{{0,300}})?"
)
ENDINGS = word_set("vn com net org gov edu info io asia xyz app link biz me gg ly tv int")
_LABELS = {
    "vn": "vê en nờ", "com": "com", "gov": "gốp", "net": "nét", "org": "o rờ gờ", "edu": "e đu",
    "www": "vê kép vê kép vê kép", "facebook": "phây búc", "fb": "phây búc", "zalo": "da lô",
    "youtube": "diu túp", "google": "gu gồ", "gmail": "gờ meo", "tiktok": "tích tốc", "congan": "công an",
    "dichvucong": "dịch vụ công", "baohiemxahoi": "bảo hiểm xã hội", "congdan": "công dân",
    "sotttt": "sở tê tê tê tê", "ubnd": "u bê en nờ đê", "online": "on lai", "email": "i meo",
}  # fmt: skip
_SIGNS = {
    ".": "chấm",
    "-": "gạch ngang",
    "_": "gạch dưới",
    "/": "gạch chéo",
    "@": "a còng",
    "+": "cộng",
}
_PATH_READ = 16  # a longer path nobody can note down by ear

_SEPARATORS = r"[()\[\]{}|/\\–•·▪◦●○■□►➢✓✔☐*_~<>«»‹›^`→←⇒-]"
SEPARATOR = re.compile(rf"{_SEPARATORS}(?: ?{_SEPARATORS})*")
GLUED = re.compile(r"[.,;:!?…]")
DOTS = re.compile(r"[.…]{4,}|…{2,}|_{2,}|={2,}|#{2,}|\.{3}(?=[^\s])")
WORDS = {
    "&": "và", "+": "cộng", "=": "bằng", "%": "phần trăm", "‰": "phần nghìn", "°": "độ", "@": "a còng",
    "×": "nhân", "≥": "lớn hơn hoặc bằng", "≤": "nhỏ hơn hoặc bằng", "±": "cộng trừ", "€": "ơ-rô",
    "$": "đô la", "₫": "đồng", "§": "mục", "№": "số", "÷": "đến", "≈": "khoảng", "℃": "độ xê",
    "µ": "mi-crô", "Ω": "ôm",
}  # fmt: skip
_STOPS = ".,;:!?…"


def _label(label: str) -> str:
    """A piece of an address in words, cut into syllables where it is Vietnamese without marks."""
    known = _LABELS.get(label.lower())
    if known is not None:
        return known
    said: list[str] = []
    for run in re.findall(r"\d+|[A-Za-z]+", label.lower()):
        if run.isdigit():
            said.append(numbers.digits(run) if len(run) > 3 else numbers.plain(run))
        else:
            said += [LETTERS.get(piece, piece) for piece in split_plain(run)]
    return " ".join(said)


def _address(text: str) -> str:
    pieces = re.findall(r"[A-Za-z0-9]+|[.\-_/@+]", text)
    return " ".join(_SIGNS.get(piece) or _label(piece) for piece in pieces)


def _strip_ending(host: str) -> str | None:
    """The host up to a known ending, without what was glued behind: "gov.vn.Xem" → "gov.vn"."""
    labels = host.split(".")
    for count in range(len(labels), 1, -1):
        if labels[count - 1] in ENDINGS:
            return ".".join(labels[:count])
    return None


def web_addresses(draft: Draft) -> Iterator[Found]:
    """E-mail and web addresses, as one tells them to a listener: without https, with "chấm"."""
    for match in EMAIL.finditer(draft.masked):
        text = match.group().rstrip(".-")
        if not text.endswith("@"):
            yield Found(match.start(), match.start() + len(text), _address(text), "email")
    for match in URL.finditer(draft.masked):
        text = match.group().rstrip(".,;:!?'-*")
        yield _web(match.start(), text)
    for match in DOMAIN.finditer(draft.masked):
        host, slash, path = match.group().rstrip(".,;:!?'-*").partition("/")
        kept = _strip_ending(host)
        if kept is not None:
            yield _web(match.start(), host + slash + path if kept == host else kept)


def _web(start: int, text: str) -> Found:
    shown = re.sub(r"^(?:https?://)?(?:www\.)?", "", text, flags=re.IGNORECASE).rstrip("/")
    host, _, path = shown.partition("/")
    warning = None
    if len(path) > _PATH_READ or re.search(r"[^A-Za-z0-9._/-]", path):
        shown, warning = host, f"Chỉ đọc “{host}”; phần sau của địa chỉ quá dài để nghe và ghi lại."
    return Found(start, start + len(text), _address(shown), "web", warning)


def glued_stops(draft: Draft) -> Iterator[Found]:
    """ "chuyển đổi số.Mục tiêu": a space after the stop, or the two sentences run together."""
    for match in GLUED.finditer(draft.masked):
        at = match.start()
        left, right = draft.text[at - 1 : at] if at else "", draft.text[at + 1 : at + 2]
        taken = at > 0 and draft.masked[at - 1] == MASK
        closing = taken or left.islower() or left.isdigit() or left in "%)”\"'"
        if match.group() == ".":
            wanted = closing and right.isupper()
        else:
            wanted = (closing or left.isalpha()) and right.isalpha()
        if left and wanted:
            yield Found(at, at + 1, f"{match.group()} ", "spacing")


def fillers(draft: Draft) -> Iterator[Found]:
    """Rows of dots and lines left to be filled in."""
    for match in DOTS.finditer(draft.masked):
        text = match.group()
        if text == "...":
            yield Found(*match.span(), "... ", "spacing")
            continue
        blank = text[0] in "._…"
        warning = "Còn chỗ để trống chưa điền." if blank else None
        glued = "" if draft.after(match.end(), 1).strip(" ") == "" else " "
        yield Found(*match.span(), f"…{glued}" if blank else " ", "symbol", warning)


def _at_line_start(draft: Draft, position: int) -> bool:
    while position > 0 and draft.text[position - 1] in " \r":
        position -= 1
    return position == 0 or draft.text[position - 1] == "\n"


def separators(draft: Draft) -> Iterator[Found]:
    """Brackets, bullets, slashes and dashes: a comma, or nothing where a pause is there already."""
    for match in SEPARATOR.finditer(draft.masked):
        text = match.group()
        left, right = match.span()
        before, after = draft.text[left - 1 : left], draft.text[right : right + 1]
        if text == "-" and before.isalpha() and after.isalpha() and not _expanded(draft, match):
            continue  # in-tơ-nét
        start, end = draft.spaces_before(left), draft.spaces_after(right)
        said = _pause(draft, text, start, end)
        if said == "" and _at_line_start(draft, start):
            yield Found(left, end, "", "symbol")
        else:
            yield Found(start, end, said, "symbol")


def _expanded(draft: Draft, match: re.Match[str]) -> bool:
    return draft.ending(match.start()) is not None or draft.starting(match.end()) is not None


def _pause(draft: Draft, text: str, start: int, end: int) -> str:
    left, right = draft.ending(start), draft.starting(end)
    before, after = draft.text[start - 1 : start] if start else "", draft.text[end : end + 1]
    if _at_line_start(draft, start) or after in ("", "\n", "\r") or after in _STOPS:
        return ""
    if before in _STOPS and before:
        return " "
    if text == "/" and left is not None and right is not None and right.rule != "dictionary":
        return " trên "
    return ", "


def signs(draft: Draft) -> Iterator[Found]:
    """Signs with a name (&, +, %), pictures and invisible characters, and digits of other shapes."""
    for at, masked in enumerate(draft.masked):
        if masked == MASK or masked in " \n\r":
            continue
        char = draft.written[at] if masked == ODD else masked
        kind = unicodedata.category(char)
        if char in WORDS and not (char == "+" and _at_line_start(draft, at)):
            yield Found(at, at + 1, WORDS[char], "symbol")
        elif _odd_number(char):
            yield Found(at, at + 1, _odd(char), "number")
        elif kind[0] in "CS" or char in "#\ufe0e\ufe0f":
            yield Found(at, at + 1, " " if kind == "Cc" else "", "symbol")


def _odd_number(char: str) -> bool:
    """½, ², ⑩, Ⅲ: numbers that are no plain digits. (Chinese numerals are letters, and stay.)"""
    return unicodedata.category(char) in ("No", "Nl") or char.isdigit()


def _odd(char: str) -> str:
    value = Fraction(unicodedata.numeric(char)).limit_denominator(1000)
    if value < 0:
        return ""
    whole = numbers.integer(value.numerator)
    return whole if value.denominator == 1 else f"{whole} phần {numbers.integer(value.denominator)}"
