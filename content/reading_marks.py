"""Web addresses, punctuation and signs: what a listener should hear of them, mostly a pause."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction

from content import numbers
from content.reading_draft import MASK, ODD, Draft, Found
from content.syllables import LETTERS, spell, split_plain, word_set

EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}")
URL = re.compile(rf"(?<![\w@])(?:https?://|www\.)[^\s{MASK}<>\"“”()\[\]]{{1,2000}}", re.IGNORECASE)
DOMAIN = re.compile(
    r"(?<![\w@.\-/])[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){1,8}"
    rf"(?:/[^\s{MASK}<>\"“”()\[\]]{{0,300}})?"
)
# Looked for first: most texts hold none, and a long pattern is slow to find nothing.
_URL_SIGN = re.compile(r"://|[wW]{3}\.")
_DOMAIN_SIGN = re.compile(r"\.[A-Za-z0-9]")
ENDINGS = word_set("vn com net org gov edu info io asia xyz app link biz me gg ly tv int")
_LABELS = {
    "vn": "vê en nờ", "com": "com", "gov": "gốp", "net": "nét", "org": "o rờ gờ", "edu": "e đu",
    "www": "vê kép vê kép vê kép", "facebook": "phây búc", "fb": "phây búc", "zalo": "da lô",
    "youtube": "diu túp", "google": "gu gồ", "gmail": "gờ meo", "tiktok": "tích tốc", "congan": "công an",
    "dichvucong": "dịch vụ công", "baohiemxahoi": "bảo hiểm xã hội", "congdan": "công dân",
    "sotttt": "sở tê tê tê tê", "ubnd": "u bê en nờ đê", "online": "on lai", "tracuu": "tra cứu",
    "yahoo": "da hu", "hotmail": "hót meo", "outlook": "ao lúc",
    "vssid": "vê ét ét i đê", "vneid": "vê en nờ e i đê", "email": "i meo",
}  # fmt: skip
_SIGNS = {
    ".": "chấm",
    "-": "gạch ngang",
    "_": "gạch dưới",
    "/": "gạch chéo",
    "@": "a còng",
    "+": "cộng",
}
_PATH_READ = 24  # a longer path nobody can note down by ear

_SEPARATORS = r"[()\[\]{}|/\\–•·▪◦●○■□►➢✓✔☐*_~<>«»‹›^`→←⇒-]"
SEPARATOR = re.compile(rf"{_SEPARATORS}(?: ?{_SEPARATORS})*")
GLUED = re.compile(r"[.,;:!?…]")
DOTS = re.compile(r"[.…]{4,}|…{2,}|_{2,}|={2,}|#{2,}|\.{3}(?=[^\s])")
_TWO_DOTS = re.compile(r"[.…_=#][.…_=#]")
WORDS = {
    "&": "và", "+": "cộng", "=": "bằng", "%": "phần trăm", "‰": "phần nghìn", "°": "độ", "@": "a còng",
    "×": "nhân", "≥": "lớn hơn hoặc bằng", "≤": "nhỏ hơn hoặc bằng", "±": "cộng trừ", "€": "ơ-rô",
    "$": "đô la", "₫": "đồng", "§": "mục", "№": "số", "÷": "đến", "≈": "khoảng", "℃": "độ xê",
    "µ": "mi-crô", "Ω": "ôm", "Φ": "phi", "φ": "phi", "Ø": "phi", "ø": "phi",
    "☎": "điện thoại", "📞": "điện thoại", "☏": "điện thoại", "📱": "điện thoại",
}  # fmt: skip
_STOPS = ".,;:!?…"
# Everything but letters, spaces and what a voice knows how to take.
_SIGN = re.compile(
    rf"[^\w \n\r.,;:!?'\"“”…{MASK}]|[²³{''.join(sign for sign in WORDS if sign.isalnum())}]"
)


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
            said.append(_letters(run))
    return " ".join(said)


def _letters(run: str) -> str:
    """Syllables, or letter by letter; a longer foreign word ("express") is left to the voice."""
    if run in _LABELS:
        return _LABELS[run]
    if run.startswith("vn") and len(run) > 2:
        return f"{_LABELS['vn']} {_letters(run[2:])}"
    pieces = split_plain(run)
    first = next((at for at, piece in enumerate(pieces) if len(piece) > 1), len(pieces))
    scattered = sum(len(piece) == 1 for piece in pieces[first:])
    if len(run) < 5 and scattered:
        return spell(run)  # "cax": the "ca" would be heard as the letter
    if len(run) > 4 and scattered > 1:
        return run
    return " ".join(LETTERS.get(piece, piece) for piece in pieces)


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
    whole = draft.masked
    for match in EMAIL.finditer(whole if "@" in whole else ""):
        text = match.group().rstrip(".-")
        if not text.endswith("@"):
            yield Found(match.start(), match.start() + len(text), _address(text), "email")
    for match in URL.finditer(whole if _URL_SIGN.search(whole) else ""):
        text = match.group().rstrip(".,;:!?'-*")
        yield _web(match.start(), text)
    for match in DOMAIN.finditer(whole if _DOMAIN_SIGN.search(whole) else ""):
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
    if _TWO_DOTS.search(draft.masked) is None:
        return
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
    if left is not None and right is not None and left.rule == right.rule == "phone":
        return ", "
    if text == "/" and left is not None and right is not None:
        return ", " if right.rule in ("dictionary", "own") else " trên "
    return ", "


def signs(draft: Draft) -> Iterator[Found]:
    """Signs with a name (&, +, %), pictures and invisible characters, and digits of other shapes."""
    for match in _SIGN.finditer(draft.masked):
        at, masked = match.start(), match.group()
        char = draft.written[at] if masked == ODD else masked
        kind = unicodedata.category(char)
        bullet = char == "+" and draft.text[at + 1 : at + 2] == " " and _at_line_start(draft, at)
        if char in WORDS and not bullet:
            yield Found(at, at + 1, WORDS[char], "symbol")
        elif _odd_number(char):
            yield Found(at, at + 1, _power(draft, at, char) or _odd(char), "number")
        elif kind[0] in "CS" or char in "#\ufe0e\ufe0f":
            yield _unsaid(draft, at, char)


def _unsaid(draft: Draft, at: int, char: str) -> Found:
    """A picture or the like: with the spaces it stood between, so that no gap is left."""
    if unicodedata.category(char) == "Cc":
        return Found(at, at + 1, " ", "symbol")
    start, end = at, at + 1
    if _at_line_start(draft, at):
        end = draft.spaces_after(end)
    elif draft.masked[end : end + 1] in ("", " ", "\n", "\r"):
        start = draft.spaces_before(start)
    return Found(start, end, "", "symbol")


def _odd_number(char: str) -> bool:
    """½, ², ⑩, Ⅲ: numbers that are no plain digits. (Chinese numerals are letters, and stay.)"""
    return unicodedata.category(char) in ("No", "Nl") or char.isdigit()


def _power(draft: Draft, at: int, char: str) -> str | None:
    """n² and 10³, and the half of 1½."""
    before = draft.written[at - 1 : at] if at else ""
    if char in "²³" and before.isalpha():
        return " bình phương" if char == "²" else " lập phương"
    if char in "²³" and before.isdigit():
        return " mũ hai" if char == "²" else " mũ ba"
    if before.isdigit() and unicodedata.numeric(char) < 1:
        return f" và {_odd(char)}"
    return None


def _odd(char: str) -> str:
    value = Fraction(unicodedata.numeric(char)).limit_denominator(1000)
    if value < 0:
        return ""
    whole = numbers.integer(value.numerator)
    below = "tư" if value.denominator == 4 else numbers.integer(value.denominator)
    return whole if value.denominator == 1 else f"{whole} phần {below}"
