"""What a written Vietnamese syllable looks like, and what a single letter is called.

Tells a capitalised word (THÔNG BÁO) from an acronym (UBND), and cuts words written without marks
or spaces, as in web addresses, into syllables.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for tables that are easier read as one."""
    return frozenset(text.split())


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of many literal words, the longest first; sorted by first letter, it fails fast."""
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words), key=lambda word: (-len(word), word)):
        groups.setdefault(word[0], []).append(re.escape(word[1:]))
    found = (f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in groups.items())
    return f"(?:{'|'.join(found)})"


LETTERS = {
    "a": "a", "ă": "á", "â": "ớ", "b": "bê", "c": "xê", "d": "dê", "đ": "đê", "e": "e", "ê": "ê",
    "f": "ép", "g": "giê", "h": "hát", "i": "i", "j": "giây", "k": "ca", "l": "e lờ", "m": "em mờ",
    "n": "en nờ", "o": "o", "ô": "ô", "ơ": "ơ", "p": "pê", "q": "quy", "r": "e rờ", "s": "ét",
    "t": "tê", "u": "u", "ư": "ư", "v": "vê", "w": "vê kép", "x": "ích", "y": "i dài", "z": "dét",
}  # fmt: skip
_MARKED = frozenset("àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ")
# For character classes: Vietnamese capitals and small letters.
UPPER = "A-ZĐ" + "".join(
    c for c in map(chr, range(0xC0, 0x1EFA)) if c.lower() in _MARKED and c.isupper()
)
LOWER = "a-zđ" + "".join(sorted(_MARKED))
VOWELS = frozenset("aăâeêioôơuưy")

_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_STOP_TONES = {"\u0301", "\u0323"}  # sắc, nặng: the only tones before a final c, ch, p, t
_RHYMES = word_set(
    """
    a ai ao au ay ac ach am an ang anh ap at ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây
    e eo ec em en eng ep et ê êch êm ên ênh êp êt êu
    i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu
    o oi oa oai oao oay oac oach oam oan oang oanh oap oat oăc oăm oăn oăng oăt
    oe oen oeo oet oc om on ong op ot ooc oong ô ôi ôc ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt
    u ui ua uc um un ung up ut uân uâng uât uây uê uêch uênh uên uơ uy uya uych uynh uyt uyu
    uyên uyêt uôc uôi uôm uôn uông uôt
    ư ưi ưa ưu ưc ưm ưn ưng ưt ươc ươi ươm ươn ương ươp ươt ươu
    y yêm yên yêng yêt yêu
    """
)
_QU_RHYMES = frozenset({"ych", "yn", "ynh", "yt"})
_ONSET = re.compile(r"ngh|ng|nh|ch|gh|kh|ph|th|tr|qu|gi|[bcdđghklmnprstvx]|")
_PLAIN = str.maketrans("ăâêôơưđ", "aaeooud")


def without_tone(word: str) -> tuple[str, str]:
    """The word without its tone marks, and the marks taken away (vowel shapes stay: "ấn" → "ân")."""
    taken = [c for c in unicodedata.normalize("NFD", word) if c in _TONES]
    kept = "".join(c for c in unicodedata.normalize("NFD", word) if c not in _TONES)
    return unicodedata.normalize("NFC", kept), "".join(taken)


def _spelled_right(onset: str, rhyme: str) -> bool:
    front = rhyme[:1] in "eêiy"
    if onset in ("c", "g", "ng"):
        return not front
    if onset in ("k", "gh", "ngh"):
        return front
    if onset == "qu":
        return rhyme[:1] not in "uư"
    return True


def _has_body(bare: str) -> bool:
    match = _ONSET.match(bare)
    onset = match.group() if match else ""
    cuts = {onset, onset[:1]} if onset == "gi" else {onset}
    if bare in ("gi", "gin") or (onset == "qu" and bare[2:] in _QU_RHYMES):
        return True
    return any(
        bare[len(cut) :] in _RHYMES and _spelled_right(cut, bare[len(cut) :]) for cut in cuts
    ) or (onset == "gi" and "i" + bare[2:] in _RHYMES)


@lru_cache(maxsize=4096)
def is_syllable(word: str) -> bool:
    """Whether one word, in any case, is a well formed Vietnamese syllable with a tone that fits."""
    if not 0 < len(word) <= 8:
        return False
    bare, tones = without_tone(word.lower())
    if len(tones) > 1 or not _has_body(bare):
        return False
    stopped = bare.endswith(("c", "ch", "p", "t"))
    return not stopped or tones in _STOP_TONES


def spell(word: str) -> str:
    """Letter by letter in Vietnamese letter names, without tones; what has no name is passed over."""
    letters = word.lower()
    if not letters.isascii():
        letters = without_tone(letters)[0]
    return " ".join(LETTERS[char] for char in letters if char in LETTERS)


def _plain_bodies() -> frozenset[str]:
    onsets = word_set("ngh ng nh ch gh kh ph th tr qu gi b c d g h k l m n p r s t v x") | {""}
    return frozenset(
        (onset + rhyme).translate(_PLAIN)
        for onset in onsets
        for rhyme in _RHYMES
        if _spelled_right(onset, rhyme)
    )


_BODIES = _plain_bodies()


@lru_cache(maxsize=1024)
def split_plain(word: str) -> tuple[str, ...]:
    """Cut unmarked lower-case letters into as few syllables as possible: "haiphong" → hai, phong.

    What is no syllable stays as single letters: "sotttt" → so, t, t, t, t.
    """
    best: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for end in range(1, len(word) + 1):
        # A stray letter costs more than any syllable.
        options = [(best[end - 1][0] + 10, (*best[end - 1][1], word[end - 1]))]
        options += [
            (best[start][0] + 2, (*best[start][1], word[start:end]))
            for start in range(max(0, end - 7), end)
            if word[start:end] in _BODIES
        ]
        best.append(min(options, key=lambda option: option[0]))
    return best[-1][1]
