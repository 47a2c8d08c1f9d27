"""The voices there are, in the order config.toml offers them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence

from content.voices import base, piper
from content.voices.api import Api
from content.voices.base import Registry, Spoken, Voice
from content.voices.cache import Cache
from content.voices.espeak import Espeak
from content.voices.gtts import Gtts
from loa.config import Config
from loa.errors import ConfigError

__all__ = ["Registry", "Spoken", "Voice", "base", "registry"]

_making = threading.Lock()


def registry(config: Config) -> Registry:
    """The station's voices, one set for the whole process: an online voice remembers it was refused.

    A voice file dropped in later is found at the next start. Raises ConfigError when [content] voices names
    a voice there is none of.
    """
    with _making:
        return _registry(config)


@functools.cache
def _registry(config: Config) -> Registry:
    cache = Cache(config.cache / "voices")
    offered: list[Voice] = []
    for name in dict.fromkeys(config.content.voices):
        if name not in MAKERS:
            raise ConfigError(
                f"[content] voices có “{name}”, Loa không có giọng này. Các giọng có thể dùng: {', '.join(MAKERS)}."
            )
        offered += MAKERS[name](config, cache)
    return Registry(offered, spare=Espeak())


def _api(config: Config, cache: Cache) -> Sequence[Voice]:
    if not config.voice_api.url:
        raise ConfigError(
            "[content] voices có “api” nhưng [voice_api] chưa có url. Hãy điền url, hoặc bỏ “api” khỏi voices."
        )
    return [Api(config.voice_api, config.folder, cache)]


MAKERS: dict[str, Callable[[Config, Cache], Sequence[Voice]]] = {
    "espeak": lambda _config, _cache: [Espeak()],
    "gtts": lambda _config, cache: [Gtts(cache)],
    "piper": lambda config, cache: piper.found(config.voice_files, cache),
    "api": _api,
}
