"""What a new receiver and its station say to each other, once: who it is, that it knows the code, what it is given.

Both know the one-time code, which a person has carried from the page to the box. From it comes a key that proves
the request to the station and the answer to the receiver, so that neither needs HTTPS to know the other; what is
secret in the answer is sealed to a key the receiver made for this one request. docs/protocol.md, "Claiming".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from devices import messages, signing
from devices.messages import KeyBytes, Ms
from devices.receiver.identity import Station
from devices.signing import PrivateKey, PublicKey, b64

KIND = "loa-claim"
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without what is mistaken for something else when read out or written by hand: 0 O, 1 I L."""
CODE_LETTERS = 8
MAX_CLAIM_BYTES = 2_048
MAX_ANSWER_BYTES = 65_536
SERIAL = r"^[A-Z0-9][A-Z0-9._-]{2,31}$"
NONCE = bytes(12)
"""Each key seals one answer and no more."""

Serial = Annotated[str, msgspec.Meta(pattern=SERIAL)]


class BadClaim(Exception):
    """A claim or an answer to one that does not hold: nothing it says is done."""


class Claim(msgspec.Struct, frozen=True):
    """What a receiver asks with, signed by the key it has just made."""

    v: Literal[1]
    serial: Serial
    x: KeyBytes
    """Its public key: plans are sent to whoever has the other half, journals are checked with it."""
    seal: KeyBytes
    """X25519 public key of this request alone, to which the answer is sealed."""
    t: Ms
    """Its clock; not judged, for a new box may not know the time. Staff are told how wrong it is."""
    proof: KeyBytes
    """HMAC-SHA256 under the code's key: whoever asks has seen the code."""


class Request(msgspec.Struct, frozen=True):
    """The body of ``POST /claim``."""

    claim: Annotated[str, msgspec.Meta(max_length=MAX_CLAIM_BYTES)]
    """JWS compact, typ ``loa-claim``, kid the serial, payload ``Claim``."""


class Answer(msgspec.Struct, frozen=True):
    """What the station answers with."""

    v: Literal[1]
    epk: KeyBytes
    """X25519 public key of this answer alone."""
    box: str
    """``Grant``, sealed: base64url of AES-256-GCM's ciphertext and tag."""


class Grant(msgspec.Struct, frozen=True):
    """What the receiver is given."""

    v: Literal[1]
    station: Station
    ca: str = ""
    """Certificates (PEM) to be kept beside station.json under ``station.mqtt.ca_file``; empty: none is needed."""


def new_code() -> str:
    """Eight characters, some 40 bits, in two groups: ABCD-EFGH."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LETTERS))
    return f"{letters[:4]}-{letters[4:]}"


def plain_code(typed: str) -> str | None:
    """A code as typed, however spaced and in whichever case; None when it can be none."""
    letters = re.sub(r"[\s.·–-]", "", typed).upper()
    is_code = len(letters) == CODE_LETTERS and not set(letters) - set(ALPHABET)
    return f"{letters[:4]}-{letters[4:]}" if is_code else None


def plain_serial(typed: str) -> str | None:
    """A serial as typed; None when it can be none."""
    serial = re.sub(r"\s", "", typed).upper()
    return serial if re.fullmatch(SERIAL, serial) else None


def code_key(code: str, serial: str) -> bytes:
    """The key both sides make of the code. Slow on purpose: who overhears a claim must not try all codes in time."""
    return hashlib.scrypt(
        code.replace("-", "").encode(), salt=f"loa/1 claim {serial}".encode(),
        n=2**14, r=8, p=1, maxmem=2**26, dklen=32,
    )  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """A request under way: what is sent, and what its answer is opened with."""

    claim: Claim
    token: bytes
    seal: X25519PrivateKey
    code: bytes


def ask(key: PrivateKey, serial: str, code: bytes, now: int) -> Asking:
    """Claim the place of ``serial``; ``code`` as ``code_key`` gives it."""
    ephemeral = X25519PrivateKey.generate()
    x, seal = key.public.x, b64(ephemeral.public_key().public_bytes_raw())
    claim = Claim(1, serial, x, seal, max(now, 0), b64(_proof(code, serial, x, seal)))
    named = PrivateKey(serial, key.seed)
    return Asking(claim, named.sign(messages.encode(claim), KIND), ephemeral, code)


def read(token: bytes) -> Claim:
    """The claim in that token, signed by the very key it names. Raises BadClaim. The code is not looked at."""
    if len(token) > MAX_CLAIM_BYTES:
        raise BadClaim("too_big")
    try:
        claim = messages.decode(signing.payload(token), Claim)
        key = PublicKey(kid=claim.serial, x=claim.x)
        signing.verify(token, KIND, {claim.serial: key})
    except (signing.BadSignature, ValueError, IndexError) as error:
        raise BadClaim(str(error)) from error
    return claim


def is_proven(claim: Claim, code: bytes) -> bool:
    """Whether whoever asks knows the code; takes the same time either way."""
    wanted = b64(_proof(code, claim.serial, claim.x, claim.seal))
    return hmac.compare_digest(wanted, claim.proof)


def _proof(code: bytes, *parts: str) -> bytes:
    text = "|".join(("loa/1 claim", *parts))
    return hmac.new(code, text.encode(), hashlib.sha256).digest()


def grant(claim: Claim, code: bytes, granted: Grant) -> Answer:
    """Seal the answer, so that only who asked can read it and only who knows the code can have made it.

    Raises BadClaim when the key it should be sealed to is none.
    """
    ephemeral = X25519PrivateKey.generate()
    epk = b64(ephemeral.public_key().public_bytes_raw())
    key = _answer_key(ephemeral, claim.seal, claim, epk, code)
    box = AESGCM(key).encrypt(NONCE, msgspec.json.encode(granted), None)
    return Answer(1, epk, b64(box))


def open_answer(asking: Asking, answer: Answer) -> Grant:
    """What the station gives. Raises BadClaim when it is not the answer of one who knows the code."""
    try:
        key = _answer_key(asking.seal, answer.epk, asking.claim, answer.epk, asking.code)
        plain = AESGCM(key).decrypt(NONCE, _raw(answer.box), None)
        return messages.decode(plain, Grant)
    except (InvalidTag, ValueError) as error:
        raise BadClaim("answer") from error


def _answer_key(own: X25519PrivateKey, other: str, claim: Claim, epk: str, code: bytes) -> bytes:
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(_raw(other)))
    except ValueError as error:
        raise BadClaim("seal") from error
    info = "|".join(("loa/1 claim answer", claim.serial, claim.x, claim.seal, epk)).encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=code, info=info).derive(shared)


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
