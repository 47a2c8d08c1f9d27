"""CAP 1.2 (Common Alerting Protocol), in and out. Pure: bytes to a message, a message to bytes.

The only file that knows defusedxml: what comes in is XML of strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from zoneinfo import ZoneInfo

import defusedxml.ElementTree
import msgspec
from defusedxml import DefusedXmlException

from loa.errors import ScheduleError
from loa.times import Instant, instant, local
from loa.words import say

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
TYPE = "application/cap+xml"
MOST_BYTES = 256_000
MOST_INFOS, MOST_AREAS = 20, 100
STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
KINDS = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = ("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
              "CBRNE", "Other")  # fmt: skip
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
_NAME = re.compile(r"[^\s,<&]{1,200}")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_Found = TypeVar("_Found")


class Reference(msgspec.Struct, frozen=True):
    """What a message calls an earlier one."""

    sender: str
    identifier: str
    sent: str


class Area(msgspec.Struct, frozen=True):
    """A place, in the sender's own words and codes."""

    description: str
    geocodes: tuple[tuple[str, str], ...] = ()


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says, in one language."""

    language: str = "en-US"
    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    effective: Instant | None = None
    expires: Instant | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    areas: tuple[Area, ...] = ()

    @property
    def is_vietnamese(self) -> bool:
        return self.language.lower().split("-")[0] == "vi"

    @property
    def speech(self) -> str:
        """What is to be read out; nobody wants to hear a web address."""
        found = (self.headline, self.description, self.instruction)
        said = (_ADDRESS.sub("", text).strip() for text in found)
        return "\n\n".join(dict.fromkeys(text for text in said if text)) or self.event


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One CAP message."""

    identifier: str
    sender: str
    sent: Instant
    sent_text: str = ""
    """As the sender wrote it: it belongs to the name of the message."""
    status: str
    kind: str
    scope: str = "Public"
    note: str = ""
    references: tuple[Reference, ...] = ()
    infos: tuple[Info, ...] = ()

    @property
    def info(self) -> Info | None:
        """In Vietnamese where there is that, else the first."""
        return next(
            (each for each in self.infos if each.is_vietnamese), next(iter(self.infos), None)
        )


# -- in -------------------------------------------------------------------------------------------


def parse(data: bytes) -> Message:
    """The message. Raises ScheduleError (field ``file``) naming the element that is missing or wrong."""
    if len(data) > MOST_BYTES:
        raise _wrong(
            say(
                "Tệp nặng %(size)s kB; tin CAP nặng nhất %(most)s kB",
                size=len(data) // 1000,
                most=MOST_BYTES // 1000,
            )
        )
    try:
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except (
        defusedxml.ElementTree.ParseError,
        DefusedXmlException,
        LookupError,
        ValueError,
    ) as error:
        raise _wrong(say("Tệp này không phải XML đọc được")) from error
    if root.tag != _tag("alert"):
        raise _wrong(say("Tệp này không phải tin CAP 1.2 (gốc là “%(root)s”)", root=root.tag[:80]))
    return _message(root)


def _wrong(what: str) -> ScheduleError:
    return ScheduleError(
        say("%(what)s. Hãy xin nơi gửi tin CAP 1.2 đúng chuẩn.", what=what), field="file"
    )


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _message(root: Element) -> Message:
    sent_text = _text(root, "sent", needed=True)
    message = Message(
        identifier=_name(root, "identifier"), sender=_name(root, "sender"), sent_text=sent_text,
        sent=_moment(sent_text, "sent"), status=_one_of(root, "status", STATUSES),
        kind=_one_of(root, "msgType", KINDS), scope=_one_of(root, "scope", SCOPES), note=_text(root, "note"),
        references=tuple(_references(_text(root, "references"))),
        infos=tuple(_info(each) for each in _all(root, "info", MOST_INFOS)),
    )  # fmt: skip
    if message.kind in ("Update", "Cancel") and not message.references:
        raise _wrong(
            say("Tin %(kind)s không nói về tin nào (thiếu <references>)", kind=message.kind)
        )
    if message.kind in ("Alert", "Update") and not message.infos:
        raise _wrong(say("Tin không có nội dung (thiếu <info>)"))
    return message


def _info(found: Element) -> Info:
    expires = _text(found, "expires")
    effective = _text(found, "effective")
    return Info(
        language=_text(found, "language") or "en-US",
        categories=tuple(_choice(_own(each), "category", CATEGORIES) for each in _all(found, "category", 12)),
        event=_text(found, "event", needed=True), urgency=_one_of(found, "urgency", URGENCIES),
        severity=_one_of(found, "severity", SEVERITIES), certainty=_one_of(found, "certainty", CERTAINTIES),
        effective=_moment(effective, "effective") if effective else None,
        expires=_moment(expires, "expires") if expires else None,
        sender_name=_text(found, "senderName"), headline=_text(found, "headline"),
        description=_text(found, "description"), instruction=_text(found, "instruction"),
        areas=tuple(_area(each) for each in _all(found, "area", MOST_AREAS)),
    )  # fmt: skip


def _area(found: Element) -> Area:
    codes = _all(found, "geocode", MOST_AREAS)
    pairs = tuple((_text(code, "valueName"), _text(code, "value")) for code in codes)
    return Area(_text(found, "areaDesc", needed=True), pairs)


def _references(text: str) -> Iterator[Reference]:
    for each in text.split():
        parts = each.split(",")
        if len(parts) != 3 or not all(parts):
            raise _wrong(
                say(
                    "<references> có “%(reference)s”, không phải dạng người gửi,mã,giờ gửi",
                    reference=each[:80],
                )
            )
        yield Reference(*parts)


def _all(found: Element, name: str, most: int) -> list[Element]:
    children = found.findall(_tag(name))
    if len(children) > most:
        raise _wrong(
            say(
                "Tin có %(n)s phần <%(name)s>; nhiều nhất %(most)s",
                n=len(children),
                name=name,
                most=most,
            )
        )
    return children


def _own(found: Element) -> str:
    return " ".join((found.text or "").split())


def _text(found: Element, name: str, *, needed: bool = False) -> str:
    child = found.find(_tag(name))
    text = "" if child is None else (child.text or "").strip()
    if needed and not text:
        raise _wrong(say("Thiếu <%(name)s>", name=name))
    return text


def _name(found: Element, name: str) -> str:
    text = _text(found, name, needed=True)
    if not _NAME.fullmatch(text):
        raise _wrong(
            say(
                "<%(name)s> “%(text)s” có dấu cách hoặc dấu phẩy, hoặc quá 200 ký tự",
                name=name,
                text=text[:80],
            )
        )
    return text


def _one_of(found: Element, name: str, known: tuple[str, ...]) -> str:
    return _choice(_text(found, name, needed=True), name, known)


def _choice(text: str, name: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise _wrong(say("<%(name)s> “%(text)s” không có trong CAP 1.2", name=name, text=text[:80]))
    return text


def _moment(text: str, name: str) -> Instant:
    try:
        return instant(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise _wrong(
            say("<%(name)s> “%(text)s” không phải ngày giờ có múi giờ", name=name, text=text[:80])
        ) from error


# -- out ------------------------------------------------------------------------------------------


def write(message: Message, zone: ZoneInfo) -> bytes:
    """The message as CAP 1.2, in the order its schema asks for."""
    root = Element("alert", xmlns=NAMESPACE)
    values = (
        ("identifier", message.identifier), ("sender", message.sender), ("sent", stamp(message.sent, zone)),
        ("status", message.status), ("msgType", message.kind), ("scope", message.scope), ("note", message.note),
        ("references", " ".join(f"{r.sender},{r.identifier},{r.sent}" for r in message.references)),
    )  # fmt: skip
    _put(root, values)
    for info in message.infos:
        _write_info(SubElement(root, "info"), info, zone)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _write_info(into: Element, info: Info, zone: ZoneInfo) -> None:
    _put(into, (("language", info.language), *(("category", each) for each in info.categories)))
    values = (
        ("event", info.event), ("urgency", info.urgency), ("severity", info.severity),
        ("certainty", info.certainty), ("effective", _stamp_of(info.effective, zone)),
        ("expires", _stamp_of(info.expires, zone)), ("senderName", info.sender_name),
        ("headline", info.headline), ("description", info.description), ("instruction", info.instruction),
    )  # fmt: skip
    _put(into, values)
    for area in info.areas:
        place = SubElement(into, "area")
        _put(place, (("areaDesc", area.description),))
        for name, value in area.geocodes:
            _put(SubElement(place, "geocode"), (("valueName", name), ("value", value)))


def _put(into: Element, values: tuple[tuple[str, str], ...]) -> None:
    for name, value in values:
        if value:
            SubElement(into, name).text = value


def stamp(moment: Instant, zone: ZoneInfo) -> str:
    """2026-11-21T12:00:00+07:00: whole seconds, and never Z, as CAP has it."""
    return local(moment, zone).replace(microsecond=0).isoformat()


def _stamp_of(moment: Instant | None, zone: ZoneInfo) -> str:
    return "" if moment is None else stamp(moment, zone)
