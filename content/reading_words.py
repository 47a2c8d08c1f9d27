"""Words that are not read as written: Roman numerals, abbreviations, acronyms, single letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from content import numbers
from content.dictionary import has_sign
from content.reading_draft import MASK, Draft, Found
from content.reading_own import closing, doubt
from content.syllables import LETTERS, VOWELS, is_syllable, spell, without_tone

_I = re.IGNORECASE

ROMAN = re.compile(
    r"(?<!\w)(?P<roman>[IVXL]{1,9})(?!\w|/[a-zà-ỹ]|/V(?!\w))(?: ?[/.-] ?(?P<year>(?:19|20)\d\d)(?![\d/]))?"
)
_ROMAN_SHAPE = re.compile(r"(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_ROMAN_TRIGGER = re.compile(
    r"\b(?:quý|chương|phần|mục|đại hội|hội nghị|khóa|khoá|thế kỷ|thứ|kỳ|kì|hạng|loại|cấp|nhóm|bậc|vùng"
    r"|khu vực|tập|quyển|phụ lục|bảng|giai đoạn|tầng|đợt|báo động|bđ|cột|vòng|bài|độ|mức|cụm|khối"
    r"|khu|lần|thế chiến|chiến tranh thế giới|nhiệm kỳ|học kỳ|quân khu|liên khu|đội)(?: số)? ?$",
    _I,
)
_WORD = re.compile(r"[^\W\d_]+")
INITIALS = re.compile(r"(?<![\w.])(?:[A-ZĐÂÔƯ]\.){1,4}[A-ZĐÂÔƯ](?!\w)")
_TOKEN = re.compile(rf"(?P<head>[^\W\d_]+)\w*|\w+|[^\w\s{MASK}]")

_NUMBERED = frozenset({"QL", "TL", "HL", "KP", "BĐ", "TP"})

# The letters behind it are part of the name of a form: D01-TS, TK1-TS.
_FORM_CODE = re.compile(r"(?:(?<![\w/-])[A-ZĐ]{1,4}|\b[Mm]ẫu (?:số )?)\d{1,3}-$")

_HARD = re.compile(r"[^AEIOUY]{4}")  # no word of any language a voice could try

_SPELLED = "Chưa biết “{}”, đọc từng chữ cái; hãy thêm vào từ điển hoặc viết đầy đủ."
_FOREIGN = "“{}” viết hoa toàn bộ, đọc như một từ nước ngoài; hãy nghe lại."


def _roman(text: str) -> int | None:
    if not _ROMAN_SHAPE.fullmatch(text):
        return None
    values = [_ROMAN_VALUES[char] for char in text]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))


def _shouted(word: str) -> bool:
    """A word of a heading in capitals, as against an acronym."""
    return len(word) > 1 and word.isupper() and is_syllable(word)


def _among_capitals(draft: Draft, start: int, end: int) -> bool:
    """Whether the word before or behind is a Vietnamese word in capitals."""
    before = re.search(r"([^\W\d_]+) $", draft.before(start))
    after = re.match(r" ([^\W\d_]+)", draft.after(end))
    return any(found is not None and _shouted(found[1]) for found in (before, after))


def _heads_line(draft: Draft, start: int, end: int) -> bool:
    return not draft.before(start).strip(" \r*-–") and bool(
        re.match(r"[.)/] ?|:| [-–] ", draft.after(end))
    )


def roman_numerals(draft: Draft) -> Iterator[Found]:
    """ "Quý III/2022", "Chương IV", "lần thứ XIII", "I. …" at the start of a line."""
    last = -1
    for match in draft.at_capitals(ROMAN):
        text = match["roman"]
        value = _roman(text)
        own = draft.dictionary.get(text)
        if not value or (own is not None and draft.dictionary.is_own(own)):
            continue
        start, end = match.span()
        before = draft.before(start)
        if re.search(r"\b(?:size|cỡ) $", before, _I):  # XL of a shirt
            continue
        listed = last >= 0 and start - last < 8
        listed = listed and draft.text[last:start].strip(" ,-–").lower() in ("", "và", "đến")
        trigger = _ROMAN_TRIGGER.search(before)
        sure = (
            trigger
            or listed
            or match["year"]
            or _heads_line(draft, match.start(), match.end("roman"))
        )
        if not sure and (
            len(text) < 2 or (is_syllable(text) and _among_capitals(draft, start, end))
        ):
            continue
        ordinal = trigger and re.search(r"thứ ?$", before, _I)
        said = numbers.ordinal(value) if ordinal else numbers.integer(value)
        if match["year"]:
            said += f" năm {numbers.integer(int(match['year']))}"
        last = end
        warning = None if sure else f"“{text}” đọc là số La Mã."
        yield Found(start, end, said, "roman", warning)


def _is_initial(draft: Draft, start: int, end: int) -> bool:
    """ "H." in "Nguyễn T. H. Anh" is a name's, not huyện; and "P." needs a name behind it."""
    name = draft.after(end).lstrip(" ")[:1]
    if not (name.isupper() or name.isdigit()):
        return True
    word = re.search(r"(\S+) *$", draft.before(start))
    if word is None:
        return False
    authority = word[1].isupper() and len(word[1]) > 2  # UBND H. Duy Xuyên
    return word[1][0].isupper() and word[1][-1] not in ",;:-–)" and not authority


def _fits(draft: Draft, start: int, end: int) -> bool:
    """Whether an entry of the dictionary stands as a word of its own here."""
    text = draft.masked
    form = text[start:end]
    following = text[end : end + 1]
    # QL10, TDP3: a number may follow straight behind capitals; ĐT8 is a kind of rice, no telephone.
    numbered = following.isdigit() and form.isupper() and form.isalpha()
    numbered = numbered and (len(form) > 2 or form in _NUMBERED)
    if form[-1].isalnum() and following.isalnum() and not numbered:
        return False
    if form[0].isdigit() and start > 1 and text[start - 1] in ".," and text[start - 2].isdigit():
        return False
    if len(form) == 2 and form[1] == "." and _is_initial(draft, start, end):
        return False
    if form[-1] == "." and form[0].islower() and following.islower():
        return False  # the "tr." of "tr.đ"
    if text[start - 1 : start] == "-" and _FORM_CODE.search(draft.before(start)):
        return False
    return not (is_syllable(form) and form.isupper() and _among_capitals(draft, start, end))


def dictionary_words(draft: Draft) -> Iterator[Found]:
    """Forms of the dictionary, the longest that fits first."""
    position, heads = 0, draft.dictionary.heads
    for match in _TOKEN.finditer(draft.masked):
        head = match["head"] or match.group()[0]
        start = match.start()
        if head.casefold() not in heads or start < position:
            continue
        for end, entry in draft.dictionary.candidates(draft.masked, start):
            own = draft.dictionary.is_own(entry)
            if own and has_sign(entry.form):
                continue  # was looked up before any rule
            if _fits(draft, start, end):
                position = end
                said = entry.spoken + closing(draft, end)
                rule = "own" if own else "dictionary"
                yield Found(start, end, said, rule, doubt(entry))
                break


def _beside_invisible(draft: Draft, start: int, end: int) -> bool:
    """A soft hyphen or the like cuts a word in two; its halves are no acronyms."""
    for beside, beyond in ((start - 1, start - 2), (end, end + 1)):
        if min(beside, beyond) < 0 or max(beside, beyond) >= len(draft.text):
            continue
        invisible = unicodedata.category(draft.text[beside]) in ("Cf", "Mn")
        if invisible and draft.text[beyond].isalpha():
            return True
    return False


def _capitals(word: str) -> tuple[str, str, str | None] | None:
    """How a word with several capitals is said: None where it is a word like any other."""
    if is_syllable(word):
        return None
    if word.isupper():
        if (
            len(word) > 5
            and word.isascii()
            and not _HARD.search(word)
            and not VOWELS.isdisjoint(word.lower())
        ):
            return word.lower(), "foreign", _FOREIGN.format(word)
        return spell(word), "acronym", _SPELLED.format(word)
    capitals = sum(char.isupper() for char in word)
    if capitals > 1 and len(word) - capitals <= 2:
        return spell(word), "acronym", _SPELLED.format(word)
    return None


def _named(draft: Draft, match: re.Match[str]) -> tuple[str, str, str] | None:
    """The foreign name of a storm, always in capitals: bão số 3 (YAGI)."""
    word = match.group()
    foreign = word.isascii() and word.isupper() and len(word) > 2
    if foreign and re.search(r"\bbão\b[^.;]{0,20}$", draft.before(match.start()), _I):
        return word.capitalize(), "foreign", _FOREIGN.format(word)
    return None


def _numbered_letters(draft: Draft, match: re.Match[str]) -> tuple[str, str, str] | None:
    """A syllable in capitals with a number behind it is letters after all: "TO3"."""
    word, after = match.group(), draft.text[match.end() : match.end() + 1]
    if 1 < len(word) < 4 and word.isascii() and word.isupper() and after.isdigit():
        return spell(word), "acronym", _SPELLED.format(word)
    return None


@lru_cache(maxsize=8192)
def _is_common(word: str) -> bool:
    """A word like most: small letters after the first, with a vowel. Saves looking closer at each."""
    small = word[1:].islower()
    return small and not VOWELS.isdisjoint(without_tone(word.lower())[0])


def initials(draft: Draft) -> Iterator[Found]:
    """ "ông N.V.A": the letters of a name, without the stops between them."""
    for match in draft.at_capitals(INITIALS):
        yield Found(*match.span(), spell(match.group()), "letter")


def acronyms(draft: Draft) -> Iterator[Found]:
    """What is left of acronyms, single consonants and words without a vowel: by letter names."""
    for match in _WORD.finditer(draft.masked):
        word = match.group()
        if _is_common(word):
            continue
        bare = without_tone(word.lower())[0]
        if any(char not in LETTERS for char in bare) or _beside_invisible(draft, *match.span()):
            continue
        voiceless = VOWELS.isdisjoint(bare)
        if len(word) == 1:
            before, after = (
                draft.text[match.start() - 1 : match.start()],
                draft.after(match.end(), 2),
            )
            if voiceless and before != "'" and not re.match(r"'[^\W\d_]", after):  # M'Đrắk
                yield Found(*match.span(), LETTERS[bare], "letter")
            continue
        said = _named(draft, match) or _capitals(word) or _numbered_letters(draft, match)
        if said is None and voiceless:
            said = spell(bare), "acronym", _SPELLED.format(word)
        if said is not None:
            spoken, rule, warning = said
            yield Found(*match.span(), spoken, rule, warning)
