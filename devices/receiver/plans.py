"""Plans: what must hold before a receiver believes one. Whatever fails leaves the old plan in force."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices import messages, signing
from devices.receiver.journal import Note
from devices.signing import PublicKey
from loa.times import MINUTE, Instant

KIND = "loa-plan"
REFUSED_MOST = 10
REFUSED_WINDOW = 10 * MINUTE
DIGESTS_KEPT = 256

Why = Literal[
    "bad_sig", "key", "wrong_rid", "old_rev", "expired", "no_role", "too_big", "shape", "old_kv", "no_root",
    "flood",
]  # fmt: skip


class Refused(Exception):
    """The document is not to be obeyed; ``rev`` or ``kv`` is what a rightly signed one said of itself."""

    def __init__(self, why: Why, rev: int | None = None, kv: int | None = None) -> None:
        super().__init__(why)
        self.why, self.rev, self.kv = why, rev, kv

    @property
    def detail(self) -> dict[str, Any]:
        named = {"why": self.why, "rev": self.rev, "kv": self.kv}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Accepted:
    """A plan that may be obeyed, and by whose word."""

    plan: messages.Plan
    key: PublicKey
    """The one that signed it."""
    zone: ZoneInfo
    by_id: dict[str, messages.Occurrence] = field(init=False)

    @property
    def kid(self) -> str:
        return self.key.kid

    def check_time(self, now: Instant) -> None:
        """Raise Refused when the plan, or the key that signed it, is past its time."""
        if self.plan.exp <= now:
            raise Refused("expired", self.plan.rev)
        if not self.key.is_valid(now):
            raise Refused("key", self.plan.rev)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {one.id: one for one in self.plan.occ})


@dataclass(frozen=True)
class _Envelope:
    rid: str
    rev: messages.Count


def verify(token: bytes, rid: str, keys: Mapping[str, PublicKey], last_rev: int) -> Accepted | None:
    """The plan in ``token``, or None when it is the one already in force. Raises Refused.

    Its time is judged apart (``check_time``): without a clock only before each start.
    """
    payload, key = _opened(token, keys)
    try:
        seen = messages.decode(payload, _Envelope)
    except (ValueError, RecursionError) as error:
        raise Refused("shape") from error
    if seen.rid != rid:
        raise Refused("wrong_rid", seen.rev)
    if seen.rev < last_rev:
        raise Refused("old_rev", seen.rev)
    if seen.rev == last_rev:
        return None
    return _parsed(payload, seen.rev, key)


def restore(token: bytes, rid: str, keys: Mapping[str, PublicKey]) -> Accepted:
    """The plan kept from an earlier boot, verified anew: a key may have been withdrawn since."""
    accepted = verify(token, rid, keys, -1)
    if accepted is None:
        raise Refused("shape")
    return accepted


def _opened(token: bytes, keys: Mapping[str, PublicKey]) -> tuple[bytes, PublicKey]:
    if len(token) > messages.MAX_PLAN_BYTES:
        raise Refused("too_big")
    try:
        payload, key = signing.verify(token, KIND, keys)
    except signing.BadSignature as error:
        raise Refused("shape" if error.why in ("shape", "typ") else "bad_sig") from error
    if not {"plan", "emergency"} & set(key.roles):
        raise Refused("no_role")
    return payload, key


def _parsed(payload: bytes, rev: int, key: PublicKey) -> Accepted:
    try:
        plan = messages.decode(payload, messages.Plan)
        zone = ZoneInfo(plan.set.tz)
    except (ValueError, RecursionError, ZoneInfoNotFoundError, OSError) as error:
        raise Refused("shape", rev) from error
    accepted = Accepted(plan, key, zone)
    if len(accepted.by_id) != len(plan.occ) or not _is_kept_whole(plan):
        raise Refused("shape", rev)
    return accepted


def _is_kept_whole(plan: messages.Plan) -> bool:
    """Each canned sound has a number of its own, and the plan says what it is."""
    canned = plan.can or ()
    return len({one.n for one in canned}) == len(canned) and all(
        one.sha in plan.aud for one in canned
    )


class Refusals:
    """Keeps a flood of forged plans from filling the journal: each once, few in ten minutes, the rest counted."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._since: int | None = None
        self._noted = 0
        self._more = 0
        self._last: Refused | None = None

    def note(self, token: bytes, refused: Refused, mono: int) -> Note | None:
        """The entry to write for this refusal, if it is to have one of its own."""
        digest = hashlib.sha256(token).digest()
        if digest in self._seen:
            self._seen.move_to_end(digest)
            return None
        self._seen[digest] = None
        if len(self._seen) > DIGESTS_KEPT:
            self._seen.popitem(last=False)
        if self._since is None:
            self._since = mono
        if self._noted >= REFUSED_MOST:
            self._more += 1
            if refused.why != "flood" or self._last is None:
                self._last = refused
            return None
        self._noted += 1
        return Note("refused", detail=refused.detail)

    def due(self) -> int | None:
        """The mono time at which the window closes."""
        return None if self._since is None else self._since + REFUSED_WINDOW

    def close(self, mono: int) -> Note | None:
        """At the window's end: one entry for all that had none, with their number as ``more``."""
        if self._since is None or mono < self._since + REFUSED_WINDOW:
            return None
        more, last = self._more, self._last
        self._since, self._noted, self._more, self._last = None, 0, 0, None
        return Note("refused", detail={"why": last.why, "more": more}) if last else None
