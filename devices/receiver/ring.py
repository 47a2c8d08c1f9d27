"""The keys a receiver obeys: those of station.json, until a document signed by the roots puts others in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from devices import messages, signing
from devices.messages import Keys
from devices.receiver.identity import Identity
from devices.receiver.plans import Refused
from devices.receiver.store import Fact, Saved, Value
from devices.signing import KeyRole, PublicKey
from loa.times import Instant

KIND = "loa-keys"


class Ring:
    """Judges keys documents and remembers the one in force; writing it down is the caller's."""

    def __init__(self, identity: Identity, saved: Saved) -> None:
        self.keys: Mapping[str, PublicKey] = identity.keys
        self.kv = identity.kv
        self._roots, self._need = identity.roots, identity.need
        self._anchor = _digest(identity.roots, identity.need)
        kept = saved.facts.get("keys")
        # Another station.json with other roots is its owner's word: what was learnt under the old is void.
        if isinstance(kept, bytes) and saved.facts.get("anchor") == self._anchor:
            document = messages.decode(kept, Keys)
            if document.kv > self.kv:
                self.put(document)

    def judge(self, token: bytes) -> Keys | None:
        """The document in ``token`` with its roots filled in; None when it is the one in force. Raises Refused."""
        document = self._opened(token)
        if document.kv == self.kv:
            return None
        if document.kv < self.kv:
            raise Refused("old_kv", kv=document.kv)
        return document

    def _opened(self, token: bytes) -> Keys:
        if len(token) > messages.MAX_KEYS_BYTES:
            raise Refused("too_big")
        if not self._roots:
            raise Refused("no_root")
        payload = self._signed(token, self._roots, self._need)
        try:
            document = messages.decode(payload, Keys)
        except (ValueError, RecursionError) as error:
            raise Refused("shape") from error
        if not document.roots:
            roots = tuple(messages.Root(one.kid, one.x) for one in self._roots)
            document = msgspec.structs.replace(document, roots=roots, need=self._need)
        if not _is_sound(document):
            raise Refused("shape", kv=document.kv)
        # New roots sign as well: a slip in their names would else lock the receiver out for ever.
        self._signed(token, _public(document.roots), document.need)
        return document

    def _signed(self, token: bytes, roots: Iterable[PublicKey], need: int) -> bytes:
        try:
            payload, signers = signing.verify_jointly(token, KIND, {one.kid: one for one in roots})
        except signing.BadSignature as error:
            raise Refused("shape" if error.why in ("shape", "typ") else "bad_sig") from error
        if len(signers) < need:
            raise Refused("bad_sig")
        return payload

    def put(self, document: Keys) -> None:
        """Obey these keys from now on."""
        self.kv = document.kv
        self.keys = {
            one.kid: PublicKey(one.kid, one.x, one.roles, one.from_, one.until)
            for one in document.keys
        }
        self._roots, self._need = _public(document.roots), document.need

    def facts(self, document: Keys) -> dict[Fact, Value]:
        """What to keep of it."""
        return {"keys": messages.encode(document), "anchor": self._anchor}

    def knows(self, kid: str) -> bool:
        """False once the key was taken back."""
        return kid in self.keys

    def allows(self, kid: str, role: KeyRole, now: Instant | None) -> bool:
        """True when that key may order this at ``now``; None: the clock is not set, and its time is not judged."""
        key = self.keys.get(kid)
        return (
            key is not None
            and (role in key.roles or (role == "plan" and "emergency" in key.roles))
            and (now is None or key.is_valid(now))
        )


def _public(roots: Iterable[messages.Root]) -> tuple[PublicKey, ...]:
    return tuple(PublicKey(one.kid, one.x) for one in roots)


def _is_sound(document: Keys) -> bool:
    """No name twice, no root twice under two names, no need that the roots could not meet."""
    names = [one.kid for one in document.keys]
    roots = {one.kid for one in document.roots}
    return (
        len(set(names)) == len(names)
        and len(roots) == len({one.x for one in document.roots}) == len(document.roots)
        and document.need <= len(roots)
        and all(one.from_ < one.until for one in document.keys)
    )


def _digest(roots: Iterable[PublicKey], need: int) -> str:
    named = [need, *sorted((one.kid, one.x) for one in roots)]
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()
