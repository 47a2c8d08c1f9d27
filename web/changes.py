"""What changed between two versions of a bulletin, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from content import parts
from content.drafts import Draft
from content.parts import Part, Translation
from content.relays import Stream
from content.versions import Difference
from content.wording import Piece
from loa import words
from loa.words import say
from web import labels

FIELDS = {
    "title": say("tên bản tin"),
    "parts": say("nội dung"),
    "translations": say("bản tiếng dân tộc"),
    "chimes": say("nhạc hiệu"),
    "relay": say("tiếp sóng"),
    "field": say("lĩnh vực"),
    "priority": say("mức ưu tiên"),
    "valid_from": say("ngày bắt đầu hiệu lực"),
    "valid_until": say("ngày hết hiệu lực"),
}
WAYS = {
    "arrangement": say("các phần"),
    "words": say("lời văn"),
    "voice": say("giọng đọc"),
    "speed": say("tốc độ đọc"),
    "corrections": say("cách đọc một số chỗ"),
    "recording": say("tệp ghi âm"),
    "music": say("cách cân âm lượng"),
    "cuts": say("các đoạn cắt"),
}
UNKNOWN = say("không rõ chỗ nào, vì bản đã duyệt có từ trước khi đài lưu các bản cũ")
AROUND = 60
"""Characters of unchanged text kept on either side of a change."""


@dataclass(frozen=True)
class Change:
    """One thing that differs; both values are empty where they would say nothing."""

    what: str
    before: str = ""
    after: str = ""


def brief(difference: Difference) -> str:
    """What differs, in one line."""
    return words.join(", ", _names(difference)) or UNKNOWN


def listed(difference: Difference) -> list[Change]:
    """What differs, each with what it was and what it is now."""
    before, after = difference.before, difference.after
    if before is None or after is None:
        return [Change(UNKNOWN)]
    found: list[Change] = []
    for name in difference.fields:
        if name == "parts":
            found += [_way(way, before, after) for way in difference.ways]
        else:
            found.append(Change(FIELDS[name], _value(name, before), _value(name, after)))
    return found


def excerpt(stretches: Iterable[Piece]) -> Iterator[Piece]:
    """The changed words with a little of what stands around them."""
    found = list(stretches)
    for number, each in enumerate(found):
        if each.kind == "same" and len(each.text) > 2 * AROUND + 20:
            head = "" if number == 0 else each.text[:AROUND].rsplit(" ", 1)[0]
            tail = "" if number == len(found) - 1 else each.text[-AROUND:].split(" ", 1)[-1]
            yield Piece("same", f"{head} […] {tail}")
        else:
            yield each


def _names(difference: Difference) -> Iterator[str]:
    for name in difference.fields:
        if name == "parts":
            yield from (WAYS[way] for way in difference.ways)
        else:
            yield FIELDS[name]


def _way(way: str, before: Draft, after: Draft) -> Change:
    values = _WAY_VALUES.get(way)
    if values is None:
        return Change(WAYS[way])
    return Change(WAYS[way], values(before.parts), values(after.parts))


def _kinds(found: Iterable[Part]) -> str:
    return words.join(" + ", (labels.part_kind(part) for part in found))


def _voices(found: Iterable[Part]) -> str:
    return words.join(", ", (part.voice or say("giọng mặc định") for part in parts.texts(found)))


def _speeds(found: Iterable[Part]) -> str:
    return ", ".join(str(part.speed) for part in parts.texts(found))


def _files(found: Iterable[Part]) -> str:
    return ", ".join(f"“{part.name}”" for part in found if isinstance(part, parts.Recorded))


_WAY_VALUES = {"arrangement": _kinds, "voice": _voices, "speed": _speeds, "recording": _files}


def _value(name: str, draft: Draft) -> str:
    match name:
        case "title":
            return f"“{draft.title}”"
        case "translations":
            return words.join(", ", map(_translation, draft.translations)) or say("không có")
        case "chimes":
            return say("có") if draft.chimes else say("không")
        case "relay":
            return _relay(draft.relay)
        case "field":
            return labels.FIELDS[draft.field]
        case "priority":
            return labels.PRIORITIES[draft.priority]
    return labels.short_date(getattr(draft, name)) or say("không đặt")


def _relay(stream: Stream | None) -> str:
    if stream is None:
        return say("không")
    span = labels.relay_length(stream)
    if not stream.hosts:
        return words.join(", ", [stream.url, span])
    return say(
        "%(url)s (và %(hosts)s), %(span)s", url=stream.url, hosts=", ".join(stream.hosts), span=span
    )


def _translation(translation: Translation) -> str:
    return say(
        "%(language)s “%(name)s”",
        language=labels.language(translation.language),
        name=translation.name,
    )
