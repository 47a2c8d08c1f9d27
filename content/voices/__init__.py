"""The voices there are."""

from __future__ import annotations

import functools

from content.voices.base import Registry
from content.voices.espeak import Espeak
from content.voices.gtts import Gtts


@functools.cache
def registry(default: str = "espeak") -> Registry:
    """The station's voices, one set for the whole process: an online voice remembers it was refused.

    ``default`` is the voice of config.toml; ContentError when there is none of that name.
    """
    return Registry([Espeak(), Gtts()], default)
