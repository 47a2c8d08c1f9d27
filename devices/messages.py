"""The wire types of the receiver protocol ``loa/1``; docs/protocol.md is the published contract.

Times are integer milliseconds UTC, ids match ``[A-Za-z0-9._-]{1,64}``, unknown fields are ignored, there
are no floats in what is signed by the station.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, TypeVar

import msgspec

T = TypeVar("T")

VERSION = 1
BLOCK_BYTES = 65_536
MAX_PLAN_BYTES = 32_768
MAX_KEYS_BYTES = 8_192
MAX_EVENTS_BYTES = 16_384
MAX_ENTRY_BYTES = 2_048
"""An entry says what happened, not a story: the station takes no longer one."""
MAX_STATE_BYTES = 1_024
MAX_WANTED_BLOCKS = 8
MAX_BATCH_ENTRIES = 20

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
ReceiverId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{4,32}$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
KeyBytes = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""An Ed25519 public key: 32 bytes, base64url without padding."""
Ms = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Steady = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""Milliseconds of a clock that may be wrong, or a difference of such."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Few = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Nonce = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{0,64}$")]
Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}$")]
WallClock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Class = Literal["N", "P", "E"]
"""Normal, priority, emergency: the three levels of Thông tư 39/2020/TT-BTTTT."""


class Audio(msgspec.Struct, frozen=True):
    """A sound file, named elsewhere by its sha256."""

    n: Annotated[int, msgspec.Meta(ge=1, le=200_000_000)]
    """Bytes: a receiver takes not one more."""
    ms: Ms
    ct: str = "audio/mpeg"


class Relay(msgspec.Struct, frozen=True):
    """An upper station's stream, to be heard in place of a recording."""

    url: Annotated[str, msgspec.Meta(max_length=512)]
    """``http://…`` or ``https://…``: MP3, AAC or Ogg over HTTP, or an HLS playlist."""
    ms: Annotated[int, msgspec.Meta(ge=1_000, le=14_400_000)]
    """Until so long after the occurrence's start: four hours at most."""
    hosts: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=253)], ...], msgspec.Meta(max_length=8)
    ] = ()
    """Hosts besides the address's own that a redirect or a playlist may name."""


class Occurrence(msgspec.Struct, frozen=True):
    """One broadcast as one receiver is to play it."""

    id: Id
    at: Ms
    late: Ms
    """How long after ``at`` a start is still wanted."""
    end: Ms
    """Nothing of it starts or restarts after this."""
    sha: Sha256
    cls: Class = "N"
    st: Literal["on", "off"] = "on"
    gain: int = 0
    """Decibels added to this one."""
    onint: Literal["stop", "restart"] = "stop"
    """After an interruption: leave it, or start again before ``end``."""
    apv: tuple[str, ...] = ()
    """Logins of those who approved."""
    rel: Relay | msgspec.UnsetType = msgspec.UNSET
    """A stream to be heard; ``sha`` then names the recording to fall back on."""
    vol: Annotated[int, msgspec.Meta(ge=0, le=100)] | msgspec.UnsetType = msgspec.UNSET
    """The loudest this one may be, of 100; does not bind class E."""


class Settings(msgspec.Struct, frozen=True):
    """What holds for the receiver at all times."""

    vol: Annotated[int, msgspec.Meta(ge=0, le=100)] = 70
    hb: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 60
    """Seconds between heartbeats."""
    quiet: tuple[tuple[WallClock, WallClock], ...] = ()
    """Hours, by the wall clock of ``tz``, in which only class E may sound; may pass midnight."""
    tz: str = "Asia/Ho_Chi_Minh"
    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    mute: bool = False
    boot: Count = 0
    """Start anew, once, when this is above the number last obeyed."""


class Canned(msgspec.Struct, frozen=True):
    """A sound a receiver keeps for an emergency, to be played by hand where it stands."""

    n: Annotated[int, msgspec.Meta(ge=1, le=99)]
    """What it is called by; 0 is the receiver's own test tone."""
    sha: Sha256
    """Named in the plan's ``aud``."""
    title: Annotated[str, msgspec.Meta(max_length=64)] = ""


class Checkpoint(msgspec.Struct, frozen=True):
    """The newest row of the station's audit log, so that every receiver is a witness."""

    n: Count
    h: str


class Plan(msgspec.Struct, frozen=True):
    """All that one receiver will do until ``hz``: a whole document that replaces the one before."""

    v: Literal[1]
    rid: ReceiverId
    rev: Count
    """max(previous + 1, now in ms): rises even when the station's database was restored."""
    iat: Ms
    exp: Ms
    hz: Ms
    set: Settings
    aud: dict[Sha256, Audio] = {}
    occ: tuple[Occurrence, ...] = ()
    chk: Checkpoint | None = None
    can: Annotated[tuple[Canned, ...], msgspec.Meta(max_length=20)] | None = None
    """The sounds to keep, in place of those before; absent: they stay. Only by a key of role ``emergency``."""
    base: Annotated[str, msgspec.Meta(max_length=256)] = ""
    """``https://…/``: sounds may be had there too, each under its sha256."""
    nz: Nonce = ""
    """The receiver's nonce, said back: this plan is fresh, and ``iat`` is now."""


class Root(msgspec.Struct, frozen=True):
    """A key that signs nothing but keys documents, and is kept where no network reaches."""

    kid: Id
    x: KeyBytes


class Key(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A key that plans may be signed with."""

    kid: Id
    x: KeyBytes
    roles: tuple[str, ...]
    """``plan``, ``emergency``; what else may stand here is ignored."""
    from_: Ms
    until: Ms
    """Used while from ≤ now < until."""


class Keys(msgspec.Struct, frozen=True):
    """The keys document: all keys a receiver obeys from now on, in place of those before."""

    v: Literal[1]
    kv: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    """max(previous + 1, now in ms), as ``rev`` of a plan."""
    iat: Ms
    keys: Annotated[tuple[Key, ...], msgspec.Meta(max_length=16)]
    roots: Annotated[tuple[Root, ...], msgspec.Meta(max_length=8)] = ()
    """A new set of roots, which must have signed too; empty: the roots stay."""
    need: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    """Of ``roots``, how many must sign."""


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Presence and summary; a hint, never evidence. The will carries only v, on = 0 and sid."""

    v: Literal[1] = 1
    on: Literal[0, 1]
    sid: Id
    """Random per connection: a will of an older connection is ignored."""
    boot: Count = 0
    jid: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    n: Count = 0
    """Number of the newest journal entry."""
    acked: Count = 0
    head: str = ""
    rev: Count = 0
    kv: Count = 0
    """Version of the keys document obeyed; 0: those of station.json, which names no roots."""
    t: Ms = 0
    src: Literal["ntp", "rtc", "none"] = "none"
    err_ms: Steady = 0
    """Greatest error of a clock that a plan put right."""
    nonce: Nonce = ""
    """Said by a receiver that does not know the time: please sign a plan with it as ``nz``, at once."""
    up: Ms = 0
    fw: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{0,64}$")] = ""
    disk: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Part of the audio store in use, 0 to 1."""
    pwr: Literal["ac", "bat", "unk"] = "unk"
    out: Literal["ok", "fault", "unk"] = "unk"
    vol: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    play: Id | None = None
    """Occurrence sounding now."""
    ready: Few = 0
    """Occurrences of the plan whose audio is whole."""
    want: Few = 0
    """Occurrences of the plan still to come."""
    can: Few = 0
    """Canned sounds that are whole."""
    net: tuple[Month, Count] | None = None
    """Bytes of topics and payloads, both ways, in the month that runs."""


Code = Literal[
    "accepted", "refused", "ready", "started", "played", "interrupted", "failed", "missed", "cancelled",
    "boot", "clock", "keys", "out_fault",
]  # fmt: skip


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A journal entry: ``[seq, occ, code, t, src, boot, mono_ms, detail]``; ``occ`` empty for the receiver's own."""

    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    occ: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$")]
    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,16}$")]
    t: Steady
    """Receiver's clock, ms UTC; may be wrong when ``src`` is none."""
    src: Literal["ntp", "rtc", "none"]
    boot: Count
    mono: Steady
    """Milliseconds since this boot, never stepping: with the batch's (now, mono) pair it gives a true time."""
    detail: dict[str, Any] = {}


class Events(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A batch of the journal. ``e`` keeps each entry's exact bytes, for the hash chain runs over them."""

    v: Literal[1]
    rid: ReceiverId
    jid: Id
    from_: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    head: str
    """Chain hash of the last entry in this batch."""
    now: Steady
    mono: Steady
    boot: Count
    src: Literal["ntp", "rtc", "none"]
    e: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1, max_length=MAX_BATCH_ENTRIES)]


class Evack(msgspec.Struct, frozen=True):
    """All entries up to and with ``upto`` are committed; ``rw``: forget later acknowledgements and send again."""

    jid: Id
    upto: Count
    rw: bool = False


class Get(msgspec.Struct, frozen=True):
    """Asks for blocks of a sound file."""

    sha: Sha256
    want: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=0, le=4095)], ...],
        msgspec.Meta(min_length=1, max_length=MAX_WANTED_BLOCKS),
    ]
    sz: Literal[65536] = 65536


def plan_topic(rid: str) -> str:
    return f"loa/1/{rid}/dn/plan"


def keys_topic(rid: str) -> str:
    return f"loa/1/{rid}/dn/keys"


def evack_topic(rid: str) -> str:
    return f"loa/1/{rid}/dn/evack"


def down_topics(rid: str) -> str:
    """What a receiver subscribes to, on every connect."""
    return f"loa/1/{rid}/dn/#"


def state_topic(rid: str) -> str:
    return f"loa/1/{rid}/up/state"


def events_topic(rid: str) -> str:
    return f"loa/1/{rid}/up/evt"


def get_topic(rid: str) -> str:
    return f"loa/1/{rid}/up/get"


UP_TOPICS = "loa/1/+/up/#"
"""What the station subscribes to."""


def audio_topics(sha: str) -> str:
    return f"loa/1/audio/{sha[:16]}/#"


def block_topic(sha: str, block: int) -> str:
    return f"loa/1/audio/{sha[:16]}/{block}"


def first_hash(jid: str) -> bytes:
    """The chain's hash before its first entry."""
    return hashlib.sha256(b"loa/1 journal " + jid.encode()).digest()


def next_hash(previous: bytes, entry: bytes) -> bytes:
    """h_seq = SHA-256(h_{seq-1} ‖ exact bytes of the entry)."""
    return hashlib.sha256(previous + entry).digest()


_encoder = msgspec.json.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """The message as JSON bytes."""
    return _encoder.encode(message)


def decode(raw: bytes, kind: type[T]) -> T:
    """A message checked against its type. Raises msgspec.DecodeError (ValidationError for a wrong value)."""
    try:
        # A field nobody knows is passed over unread, and with it bytes that are no text.
        return msgspec.json.decode(raw.decode(), type=kind)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError("not UTF-8") from error
    except RecursionError as error:  # whoever signs may still nest without end
        raise msgspec.DecodeError("nested too deeply") from error
