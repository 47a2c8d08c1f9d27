"""Keys and signatures: JWS compact, algorithm ``Ed25519`` only. The only file that knows joserfc."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from loa import files
from loa.errors import DeviceError
from loa.words import say

ALGORITHM = "Ed25519"
_ED25519_ALONE = jws.JWSRegistry(algorithms=[ALGORITHM])
"""Made once: named by its algorithms, it is made anew for every token."""
KeyRole = Literal["plan", "emergency"]


class BadSignature(Exception):
    """Not a JWS of the type expected, or not signed by the key it names: do nothing it says."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


FOREVER = 2**53
"""Milliseconds UTC no clock will see."""
MOST_SIGNATURES = 16


class PublicKey(msgspec.Struct, frozen=True, omit_defaults=True, rename={"from_": "from"}):
    """A key one may verify with: ``x`` is the 32 bytes, base64url without padding."""

    kid: str
    x: str
    roles: tuple[str, ...] = ()
    """Of KeyRole; a name this version does not know gives no right."""
    from_: int = 0
    until: int = FOREVER
    """Milliseconds UTC between which it may be used: from_ ≤ now < until."""

    def is_valid(self, now: int) -> bool:
        """True when ``now`` (ms UTC) lies in the time the key is good for."""
        return self.from_ <= now < self.until


class PrivateKey:
    """A key one signs with; its bytes lie in one file that only its owner can read."""

    def __init__(self, kid: str, seed: bytes, roles: tuple[KeyRole, ...] = ()) -> None:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self.seed = seed
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PublicKey(kid=kid, x=b64(public), roles=roles)
        self._key = private
        self._heads: dict[str, bytes] = {}
        """By type, the protected header as it stands in a token."""

    def sign(self, payload: bytes, kind: str) -> bytes:
        """``payload`` as compact JWS whose header says the type, e.g. ``loa-plan``."""
        # Put together here: for ten thousand plans joserfc's way takes half as long again as the signatures.
        signed = self._head(kind) + b"." + b64(payload).encode()
        return signed + b"." + b64(self._key.sign(signed)).encode()

    def _head(self, kind: str) -> bytes:
        if kind not in self._heads:
            header = {"alg": ALGORITHM, "kid": self.public.kid, "typ": kind}
            self._heads[kind] = b64(msgspec.json.encode(header)).encode()
        return self._heads[kind]


def generate(kid: str, roles: tuple[KeyRole, ...] = ()) -> PrivateKey:
    """A new key from the system's randomness."""
    raw = Ed25519PrivateKey.generate().private_bytes(
        Encoding.Raw, PrivateFormat.Raw, NoEncryption()
    )
    return PrivateKey(kid, raw, roles)


def key_at(path: Path, kid: str, roles: tuple[KeyRole, ...] = ()) -> PrivateKey:
    """The key kept at ``path``, made on first use; the file is readable by its owner alone."""
    if path.exists():
        kept = path.read_bytes()
    else:
        kept = files.create_once(path, seed_text(generate(kid)))
    try:
        return PrivateKey(kid, base64.urlsafe_b64decode(kept), roles)
    except ValueError as error:
        raise DeviceError(
            f"Tệp khoá {path} hỏng hoặc không phải khoá của Loa. Hãy phục hồi tệp này từ bản sao lưu."
        ) from error


def verify(token: bytes, kind: str, keys: Mapping[str, PublicKey]) -> tuple[bytes, PublicKey]:
    """The payload, and the key that signed it. ``keys`` by kid. Raises BadSignature and nothing else.

    ``alg`` is never taken from the message: anything but Ed25519 is refused.
    """
    try:
        parts = jws.extract_compact(token)
        header = parts.headers()
        if header.get("typ") != kind:
            raise BadSignature("typ")
        key = keys.get(str(header.get("kid")))
        if key is None:
            raise BadSignature("kid")
        public = Ed25519PublicKey.from_public_bytes(_raw(key.x))
        jwk = OKPKey.import_key(
            public
        )  # a dictionary of its parts is checked part by part, each time
        if header.get("alg") != ALGORITHM or not jws.validate_compact(
            parts, jwk, registry=_ED25519_ALONE
        ):
            raise BadSignature("signature")
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise BadSignature("shape") from error
    return bytes(parts.payload), key


class _Signature(msgspec.Struct, frozen=True):
    protected: str
    signature: str


class _General(msgspec.Struct, frozen=True):
    payload: str
    signatures: Annotated[
        tuple[_Signature, ...], msgspec.Meta(min_length=1, max_length=MOST_SIGNATURES)
    ]


def sign_jointly(payload: bytes, kind: str, keys: Iterable[PrivateKey]) -> bytes:
    """``payload`` as JWS in the general JSON serialization (RFC 7515 §7.2.1), one signature of each key."""
    tokens = [key.sign(payload, kind).decode().split(".") for key in keys]
    signatures = tuple(_Signature(protected, signature) for protected, _, signature in tokens)
    return msgspec.json.encode(_General(tokens[0][1], signatures))


def verify_jointly(
    token: bytes, kind: str, keys: Mapping[str, PublicKey]
) -> tuple[bytes, frozenset[str]]:
    """The payload, and the kids of those of ``keys`` that signed it: none, perhaps. Raises BadSignature.

    A signature of an unknown key says nothing; a wrong one under a known name spoils the whole.
    """
    try:
        general = msgspec.json.decode(token, type=_General)
    except (ValueError, RecursionError) as error:
        raise BadSignature("shape") from error
    signers = set()
    for one in general.signatures:
        try:
            compact = f"{one.protected}.{general.payload}.{one.signature}".encode()
            signers.add(verify(compact, kind, keys)[1].kid)
        except BadSignature as bad:
            if bad.why != "kid":
                raise
    return _decoded(general), frozenset(signers)


def joint_payload(token: bytes) -> bytes:
    """What a general token of our own says, unchecked. Raises BadSignature when it is none."""
    try:
        return _decoded(msgspec.json.decode(token, type=_General))
    except ValueError as error:
        raise BadSignature("shape") from error


def _decoded(general: _General) -> bytes:
    return payload(f".{general.payload}.".encode())


def fingerprint(key: PublicKey) -> str:
    """Eight characters by which people tell keys apart."""
    return hashlib.sha256(key.x.encode()).hexdigest()[:8]


def seed_text(key: PrivateKey) -> bytes:
    """What ``key_at`` reads back."""
    return base64.urlsafe_b64encode(key.seed)


def kid_of(token: bytes) -> str:
    """The name of the key under a compact token of our own, unchecked."""
    head = token.split(b".")[0]
    return str(msgspec.json.decode(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))["kid"])


def payload(token: bytes) -> bytes:
    """What a token of our own says, unchecked: for what we ourselves have signed and kept."""
    part = token.split(b".")[1]
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def public_key(text: str, kid: str) -> PublicKey:
    """A public key as a person pastes it (base64url, 43 characters). Raises DeviceError."""
    try:
        raw = _raw(text.strip())
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise DeviceError(
            say(
                "Khoá công khai phải gồm 43 ký tự như lệnh “loa receiver init” in ra. Hãy chép lại cả dòng."
            ),
            field="public_key",
        )
    return PublicKey(kid=kid, x=b64(raw))


def _raw(text: str) -> bytes:
    """The bytes in base64url without padding. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
