"""One lean receiver: signatures, journal and acknowledgements are true, what only a pole needs is left out.

It plays nothing, keeps nothing on a disk and refuses nothing but a wrong signature; ``devices.simulator`` is the
one that does all a receiver does.
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devices import messages
from devices.messages import Evack, Plan, State
from devices.signing import b64

EVENTS_TYPE = "loa-events"


def now() -> int:
    return time.time_ns() // 1_000_000


def seed(run: str, number: int) -> bytes:
    """The private key of receiver ``number`` of the run named ``run``."""
    return hashlib.sha256(f"{run} {number}".encode()).digest()


def public_key(raw: bytes) -> str:
    """The public half, base64url, of the key whose seed is ``raw``."""
    key = Ed25519PrivateKey.from_private_bytes(raw).public_key()
    return b64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


class Station:
    """The station's public keys, by name."""

    def __init__(self, keys: dict[str, str]) -> None:
        self._keys = {
            kid: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
            for kid, x in keys.items()
        }

    def opened(self, token: bytes) -> bytes:
        """The payload of a compact JWS. Raises InvalidSignature."""
        signed, _, signature = token.rpartition(b".")
        head, _, body = signed.partition(b".")
        kid = msgspec.json.decode(_unpadded(head), type=dict[str, str])["kid"]
        if kid not in self._keys:
            raise InvalidSignature
        self._keys[kid].verify(_unpadded(signature), signed)
        return _unpadded(body)


def _unpadded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


_plans = msgspec.json.Decoder(Plan)
_encode = msgspec.json.Encoder().encode


@dataclass
class Pole:
    """``batch`` is what it would publish now; all else is told to it."""

    rid: str
    seed: bytes
    heartbeat: int = 60
    rev: int = 0
    acked: int = 0
    entries: list[bytes] = field(default_factory=list)
    """Those not acknowledged yet, from ``acked`` + 1 on."""

    def __post_init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(self.seed)
        head = {"alg": "Ed25519", "kid": self.rid, "typ": EVENTS_TYPE}
        self._header = base64.urlsafe_b64encode(_encode(head)).rstrip(b"=") + b"."
        self.jid = hashlib.sha256(self.seed).hexdigest()[:32]
        self._head = messages.first_hash(self.jid)
        self._kept_head = self._head
        self._known: set[str] = set()
        self.sid = "none-yet"

    @property
    def n(self) -> int:
        """Number of the newest entry."""
        return self.acked + len(self.entries)

    def obey(self, token: bytes, station: Station) -> bool:
        """Take a plan; True when it is news. Raises InvalidSignature or msgspec.DecodeError."""
        plan = _plans.decode(station.opened(token))
        if plan.rid != self.rid or plan.rev <= self.rev:
            return False
        self.rev, self.heartbeat = plan.rev, plan.set.hb
        for occurrence in plan.occ:
            if occurrence.id not in self._known:
                self._known.add(occurrence.id)
                self.note(occurrence.id, "accepted", {"rev": plan.rev})
        chk = plan.chk
        self.note(
            "", "accepted", {"rev": plan.rev, "n": chk.n if chk else 0, "h": chk.h if chk else ""}
        )
        return True

    def note(self, occ: str, code: str, detail: dict[str, object]) -> None:
        """Write an entry."""
        mono = time.monotonic_ns() // 1_000_000
        entry = _encode([self.n + 1, occ, code, now(), "ntp", 1, mono, detail])
        self.entries.append(entry)
        self._head = messages.next_hash(self._head, entry)

    def batch(self, most: int = messages.MAX_BATCH_ENTRIES) -> bytes:
        """The next entries, signed."""
        return self._signed(self.entries[:most], self.acked + 1, self._kept_head)[0]

    def batches(self, most: int) -> list[bytes]:
        """All entries, signed ``most`` at a time."""
        made, head = [], self._kept_head
        for start in range(0, len(self.entries), most):
            sent = self.entries[start : start + most]
            batch, head = self._signed(sent, self.acked + 1 + start, head)
            made.append(batch)
        return made

    def _signed(self, sent: list[bytes], first: int, head: bytes) -> tuple[bytes, bytes]:
        """These entries, signed, and the chain's hash after them; ``head`` is that before."""
        for entry in sent:
            head = messages.next_hash(head, entry)
        events = {
            "v": 1, "rid": self.rid, "jid": self.jid, "from": first, "head": head.hex(),
            "now": now(), "mono": time.monotonic_ns() // 1_000_000, "boot": 1, "src": "ntp",
            "e": [msgspec.Raw(entry) for entry in sent],
        }  # fmt: skip
        signed = self._header + base64.urlsafe_b64encode(_encode(events)).rstrip(b"=")
        signature = base64.urlsafe_b64encode(self._key.sign(signed)).rstrip(b"=")
        return signed + b"." + signature, head

    def answer(self, size: int) -> bytes:
        """``size`` bytes that say nothing, signed."""
        signed = self._header + base64.urlsafe_b64encode(bytes(size)).rstrip(b"=")
        return signed + b"." + base64.urlsafe_b64encode(self._key.sign(signed)).rstrip(b"=")

    def acknowledge(self, payload: bytes) -> int:
        """Forget what the station holds; how many entries that were."""
        evack = messages.decode(payload, Evack)
        gone = (
            max(0, min(evack.upto - self.acked, len(self.entries))) if evack.jid == self.jid else 0
        )
        for entry in self.entries[:gone]:
            self._kept_head = messages.next_hash(self._kept_head, entry)
        del self.entries[:gone]
        self.acked += gone
        return gone

    def state(self) -> bytes:
        """Its heartbeat."""
        return messages.encode(
            State(
                on=1, sid=self.sid, boot=1, jid=self.jid, n=self.n, acked=self.acked, head=self._head.hex(),
                rev=self.rev, t=now(), src="ntp", fw="bench", out="unk", vol=70,
            )
        )  # fmt: skip

    def will(self) -> bytes:
        """What the broker says when it is lost."""
        return messages.encode(State(on=0, sid=self.sid))
