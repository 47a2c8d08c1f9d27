"""Mẫu lời khẩn cấp: words for what happens most, with blanks for what nobody can know before.

They lie in alert_templates.toml, each a table named by its key.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loa.errors import NotFound, ScheduleError
from loa.words import say

FILE = Path(__file__).with_name("alert_templates.toml")
_BLANK = re.compile(r"\[([^\[\]]+)\]")
MOST_CHARACTERS = 200
"""Of what one blank takes."""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words for one kind of emergency."""

    name: str
    category: str
    urgency: str
    severity: str
    title: str
    text: str
    blanks: dict[str, str]
    """Blank → an example of what belongs there."""


class Filled(msgspec.Struct, frozen=True):
    """A template without blanks."""

    title: str
    text: str


@functools.cache
def known() -> Mapping[str, Template]:
    """Key → template, in the order they are offered."""
    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), dict[str, Template])


def get(key: str) -> Template:
    """That template. Raises NotFound."""
    found = known().get(key)
    if found is None:
        raise NotFound(
            say("Không có mẫu khẩn cấp “%(key)s”. Hãy quay lại trang Khẩn cấp.", key=key)
        )
    return found


def blanks(template: Template) -> list[str]:
    """Its blanks in the order in which they are read, each once."""
    return list(dict.fromkeys(_BLANK.findall(f"{template.title}\n{template.text}")))


def fill(template: Template, values: Mapping[str, str]) -> Filled:
    """The words with ``values`` in place of the blanks. Raises ScheduleError: field ``blank_<n>``, from 0."""
    tidy = {name: " ".join(values.get(name, "").split()) for name in blanks(template)}
    for number, (name, value) in enumerate(tidy.items()):
        _check(name, value, f"blank_{number}")
    return Filled(
        *(
            _BLANK.sub(lambda blank: tidy[blank[1]], text).strip()
            for text in (template.title, template.text)
        )
    )


def _check(name: str, value: str, field: str) -> None:
    if not value:
        raise ScheduleError(say("Hãy điền chỗ trống [%(name)s].", name=name), field=field)
    if len(value) > MOST_CHARACTERS:
        raise ScheduleError(
            say(
                "Chỗ trống [%(name)s] có %(n)s ký tự; tối đa %(most)s.",
                name=name,
                n=len(value),
                most=MOST_CHARACTERS,
            ),
            field=field,
        )
    if _BLANK.search(value):
        raise ScheduleError(
            say(
                "Chỗ trống [%(name)s] còn ghi “%(value)s”. Hãy thay bằng lời thật.",
                name=name,
                value=value,
            ),
            field=field,
        )
