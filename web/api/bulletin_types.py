"""Bulletins as they are sent and told."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from content import parts
from content.bulletins import MAX_TITLE, Priority, State
from content.recordings import RenderingState
from web.api.paging import Listed
from web.api.wire import Id, Moment, Person, Strict, Told

Sha = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256.")]
Field = Annotated[
    int, Meta(ge=1, le=6, description="Lĩnh vực, by the code list of the upper system.")
]
Ms = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Cuts = Annotated[tuple[tuple[Ms, Ms], ...], Meta(max_length=1000)]


class BulletinQuery(Listed, frozen=True):
    """Which bulletins, the last written first."""

    state: State | None = None
    priority: Priority | None = None
    field: Field | None = None
    search: Annotated[str, Meta(max_length=200)] = ""
    """Words of title and text, with or without marks."""
    author: Annotated[str, Meta(max_length=64)] = ""
    """Login of who wrote it first."""
    valid_on: date | None = None
    """Such as may be broadcast on that day."""
    ends_by: date | None = None
    """Such as may not be broadcast after that day, or sooner."""


class TextPart(Strict, frozen=True, tag="text"):
    """Words to be read out."""

    body: str
    voice: Annotated[str, Meta(max_length=64)] = ""
    """Empty: the station's own."""
    speed: int = parts.USUAL_SPEED
    """Words a minute."""


class RecordedPart(Strict, frozen=True, tag="recorded"):
    """A recording that was sent to `/uploads`."""

    upload: Sha
    name: Annotated[str, Meta(max_length=255)] = ""
    """What people call the file."""
    music: bool = False
    """Loud and soft are left as they are."""
    cuts: Cuts = ()
    """Spans to leave out, from and to in milliseconds, sorted and apart."""


class ChimePart(Strict, frozen=True, tag="chime"):
    """A short signal between two parts."""

    chime: Annotated[str, Meta(max_length=32)] = parts.CHIMES[0]


SentPart = TextPart | RecordedPart | ChimePart


class SentRelay(Strict, frozen=True, kw_only=True):
    """A stream that is heard instead of the sound wherever it can be had."""

    url: Annotated[str, Meta(max_length=2000)]
    hosts: Annotated[tuple[Annotated[str, Meta(max_length=255)], ...], Meta(max_length=20)] = ()
    """Hosts besides the address's own that a redirect or a playlist may name."""
    minutes: Annotated[int, Meta(ge=1, le=1440)]


class NewBulletin(Strict, frozen=True):
    """A bulletin: one text, `body`, to be read out; or `parts` put together."""

    title: Annotated[str, Meta(max_length=MAX_TITLE)]
    body: str | None = None
    voice: Annotated[str, Meta(max_length=64)] = ""
    """Of `body`; empty: the station's own."""
    speed: int = parts.USUAL_SPEED
    """Of `body`, words a minute."""
    parts: Annotated[tuple[SentPart, ...], Meta(max_length=parts.MOST)] = ()
    """In place of `body`, in the order in which they are heard."""
    chimes: bool = True
    field: Field = 1
    priority: Priority = Priority.NORMAL
    relay: SentRelay | None = None
    valid_from: date | None = None
    valid_until: date | None = None


class ChangedBulletin(NewBulletin, frozen=True, kw_only=True):
    """The bulletin as it is to be: what is left out is as in a new one. Translations stay."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    """That was read before; where somebody has changed it since, nothing is done (`changed_meanwhile`)."""


class BulletinItem(Told, frozen=True):
    """A bulletin in a list."""

    id: Id
    title: str
    state: State
    version: int
    priority: Priority
    field: int
    author: Person
    has_sound: bool
    """Its sound is made, so it can be handed in."""
    valid_from: date | None
    valid_until: date | None
    created_at: Moment
    updated_at: Moment
    submitted_at: Moment | None


class PartItem(Told, frozen=True):
    """A part of a bulletin; what its kind has none of is null."""

    type: str
    """text, recorded or chime."""
    body: str | None = None
    voice: str | None = None
    speed: int | None = None
    upload: str | None = None
    name: str | None = None
    music: bool | None = None
    cuts: list[tuple[int, int]] | None = None
    chime: str | None = None


class RelayItem(Told, frozen=True):
    """The stream of a bulletin."""

    url: str
    hosts: list[str]
    minutes: int


class Content(Told, frozen=True):
    """All that a bulletin says."""

    parts: list[PartItem]
    chimes: bool
    relay: RelayItem | None
    languages: list[str]
    """Its own, and those of its translations."""


class Sound(Told, frozen=True):
    """How far the making of its sound has come."""

    state: RenderingState
    percent: int
    ms: int | None
    """Length, once it is made."""
    sha256: str | None
    error: str | None


class OneBulletin(BulletinItem, frozen=True):
    """A bulletin with all its words."""

    body: str
    """All that is read out."""
    parts: list[PartItem]
    chimes: bool
    relay: RelayItem | None
    languages: list[str]
    """Of its translations."""
    sound: Sound | None


class Withdrawn(Told, frozen=True):
    """A bulletin taken back, and what ended with it."""

    bulletin: OneBulletin
    schedules_ended: int
    broadcasts_stopped: int


class DecisionItem(Told, frozen=True):
    """What an approver said of one version, and of the very sounds of it."""

    approved: bool
    complete: bool
    """With it the bulletin had all the approvers it needs."""
    by: Person
    at: Moment
    reason: str | None
    sounds: dict[str, str]
    """Language → SHA-256 of what was heard."""
    ended_at: Moment | None
    ended_why: str | None


class VersionItem(Told, frozen=True):
    """One version of a bulletin."""

    version: int
    current: bool
    by: Person
    at: Moment
    changed: list[str]
    """What of the bulletin differs from the version kept before; empty for the first."""
    decisions: list[DecisionItem]


class OneVersion(VersionItem, frozen=True):
    """A version with all that it said."""

    title: str
    body: str
    content: Content
    priority: Priority
    field: int
    valid_from: date | None
    valid_until: date | None


class TakeUp(Strict, frozen=True):
    """An older version taken up again."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    """That of now, as it was read before."""


class SoundQuery(Strict, frozen=True):
    """Which sound of a bulletin."""

    language: Annotated[str, Meta(max_length=8)] = ""
    """Empty: its own."""


class UploadQuery(Strict, frozen=True):
    """What is known of a file that is sent."""

    sha256: Sha | None = None
    """Its hash; where another file arrives, nothing is kept (`hash_wrong`)."""


class UploadItem(Told, frozen=True):
    """A recording as it was sent."""

    sha256: Sha
    """By which a part names it."""
    received_at: Moment
    examined: bool
    """It was decoded to its end, so that what follows is known."""
    ms: int | None
    problem: str | None
    """Why it is of no use."""
