"""Giọng đọc: the station's voices, their terms and what ails them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import Blueprint, render_template

from content import voices
from content.voices import Voice
from loa.errors import ConfigError
from web import current

log = logging.getLogger(__name__)
bp = Blueprint("voices", __name__)

FOR_WHO_ANSWERS = ("giấy phép", "sha256", "tệp khoá")
"""A line of a voice's facts with one of these is for whoever answers for the station's programs."""
SAMPLE = "Đây là đài truyền thanh xã. Mời bà con họp thôn lúc bảy giờ ba mươi phút tối nay."


@dataclass(frozen=True)
class Offered:
    """A voice on the page."""

    voice: Voice
    is_default: bool
    stands_in: bool
    """Whether it speaks in place of an online one that fails, and only then unless it is chosen."""
    facts: tuple[str, ...]
    """What everyone should know of it."""
    terms: tuple[str, ...]
    """Its licence and program: for whoever answers for them."""
    trouble: str | None


@bp.get("/giong-doc")
def listing() -> str:
    try:
        found, problem = _offered(), None
    except ConfigError as error:
        found, problem = [], error.sentence
    return render_template(
        "voices/listing.html",
        offered=found,
        problem=problem,
        sample=SAMPLE,
        folder=current.config().voice_files,
        has_api=bool(current.config().voice_api.url),
    )


def _offered() -> list[Offered]:
    registry = voices.registry(current.config())
    standing_in = next((voice.name for voice in registry if voice.offline), None)
    alone = all(voice.offline for voice in registry)
    return [
        Offered(
            voice,
            voice.name == registry.default,
            voice.name == standing_in and not alone and voice.name != registry.default,
            tuple(fact for fact in voice.facts() if not _is_term(fact)),
            tuple(fact for fact in voice.facts() if _is_term(fact)),
            voice.trouble(),
        )
        for voice in registry
    ]


def _is_term(fact: str) -> bool:
    return any(word in fact.casefold() for word in FOR_WHO_ANSWERS)


@bp.app_template_filter("voice_name")
def voice_name(name: str) -> str:
    """What staff call a voice; one that is gone since keeps the name it was stored under."""
    try:
        offered = {voice.name: voice.label for voice in voices.registry(current.config())}
    except ConfigError:
        return name
    return offered.get(name, name)
