"""The family name of every error a person may read.

Each message is one or two Vietnamese sentences: what is wrong, with the value, and the remedy.
"""

from __future__ import annotations


class LoaError(Exception):
    """Something a person can put right; ``field`` names the input it belongs to, if any.

    ``code`` says the same to a program: that of the class, or of the very rule. Once published, a code stays.
    """

    code = "refused"

    def __init__(self, sentence: str, *, field: str | None = None, code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field
        self.code = code or type(self).code


class ConfigError(LoaError):
    """config.toml holds a wrong or unknown key: correct the line named and start again."""

    code = "config"


class DatabaseError(LoaError):
    """The database cannot be opened, or is of another version: the sentence says what to run."""

    code = "busy"


class Crowded(LoaError):
    """Too many people want the same at once: wait some seconds and try again."""

    code = "busy"


class NotAllowed(LoaError):
    """The signed-in staff may not do this: ask someone whose role the sentence names."""

    code = "not_allowed"


class NotFound(LoaError):
    """What was asked for is not there (any more): go back to the list."""

    code = "not_found"


class ContentError(LoaError):
    """A bulletin, an upload or a voice was refused: nothing was lost, correct the field named."""

    code = "content_refused"


class DeviceError(LoaError):
    """A receiver, an area, the link or the broker was refused or failed."""

    code = "device_refused"


class ScheduleError(LoaError):
    """A schedule or a broadcast breaks a rule: the sentence names the rule."""

    code = "schedule_refused"
