"""The family name of every error a person may read.

Each message is one or two Vietnamese sentences: what is wrong, with the value, and the remedy.
"""

from __future__ import annotations


class LoaError(Exception):
    """Something a person can put right; ``field`` names the input it belongs to, if any."""

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


class ConfigError(LoaError):
    """config.toml holds a wrong or unknown key: correct the line named and start again."""


class DatabaseError(LoaError):
    """The database cannot be opened, or is of another version: the sentence says what to run."""


class NotAllowed(LoaError):
    """The signed-in staff may not do this: ask someone whose role the sentence names."""


class NotFound(LoaError):
    """What was asked for is not there (any more): go back to the list."""


class ContentError(LoaError):
    """A bulletin, an upload or a voice was refused: nothing was lost, correct the field named."""


class DeviceError(LoaError):
    """A receiver, an area, the link or the broker was refused or failed."""


class ScheduleError(LoaError):
    """A schedule or a broadcast breaks a rule: the sentence names the rule."""
