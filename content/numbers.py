"""Vietnamese number words: the bottom of the reading rules, knowing nothing of text around a number."""

from collections.abc import Iterable

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")

_BILLION = 10**9


def _below_hundred(value: int) -> str:
    tens, ones = divmod(value, 10)
    if tens == 0:
        return DIGITS[ones]
    if tens == 1:
        return "mười" if ones == 0 else f"mười {'lăm' if ones == 5 else DIGITS[ones]}"
    head = f"{DIGITS[tens]} mươi"
    tail = {0: "", 1: "mốt", 4: "tư", 5: "lăm"}.get(ones, DIGITS[ones])
    return f"{head} {tail}".rstrip()


def _below_thousand(value: int, *, full: bool) -> str:
    """`full`: something was said before, so missing hundreds are named (không trăm)."""
    hundreds, rest = divmod(value, 100)
    if hundreds == 0 and not full:
        return _below_hundred(rest)
    head = f"{DIGITS[hundreds]} trăm"
    if rest == 0:
        return head
    return f"{head} lẻ {DIGITS[rest]}" if rest < 10 else f"{head} {_below_hundred(rest)}"


def _below_billion(value: int, *, full: bool) -> str:
    parts: list[str] = []
    for size, name in ((10**6, " triệu"), (10**3, " nghìn"), (1, "")):
        group = value // size % 1000
        if group:
            parts.append(_below_thousand(group, full=full or bool(parts)) + name)
    return " ".join(parts)


def integer(value: int) -> str:
    """Words of a whole number that is zero or more: 2020 → "hai nghìn không trăm hai mươi"."""
    if value < 0:
        raise ValueError("integer() reads whole numbers from zero up")
    if value == 0:
        return DIGITS[0]
    high, low = divmod(value, _BILLION)
    if high == 0:
        return _below_billion(low, full=False)
    said = f"{integer(high)} tỷ"
    return f"{said} {_below_billion(low, full=True)}" if low else said


def digits(text: str) -> str:
    """Each ASCII digit by its own name; other characters are passed over."""
    return " ".join(DIGITS[int(char)] for char in text if "0" <= char <= "9")


def digit_groups(groups: Iterable[str]) -> str:
    """Digit names with a comma after each group, so that a listener can write them down."""
    return ", ".join(said for group in groups if (said := digits(group)))


def plain(text: str) -> str:
    """A run of digits: a number, or digit by digit when it starts with 0 ("06" → "không sáu")."""
    return digits(text) if len(text) > 1 and text[0] == "0" else integer(int(text))


def after_comma(text: str) -> str:
    """The digits behind a decimal comma: "75" → "bảy mươi lăm", "05" → "không năm"."""
    return digits(text) if text[0] == "0" or len(text) > 2 else integer(int(text))


def ordinal(value: int) -> str:
    """The words behind "thứ": nhất, hai, ba, tư, năm, ..."""
    return {1: "nhất", 4: "tư"}.get(value) or integer(value)
