"""Proofs: of each batch taken in, what its receiver's signature was made over besides the entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devices import signing
from loa.times import Instant


def of(
    token: bytes, place: tuple[str, str, int, int], exact: Sequence[bytes], whole: bool, now: Instant
) -> dict[str, Any]:  # fmt: skip
    """The columns of a ``Proof``. ``place``: receiver, jid, first and last entry kept.

    ``exact``: the bytes of all its entries; ``whole``: all of them are kept.
    """
    header, _, signature = token.decode().split(".")
    receiver_id, jid, first, last = place
    before, after = _around(signing.payload(token), b",".join(exact)) if whole else (None, None)
    return {
        "receiver_id": receiver_id, "jid": jid, "first": first, "last": last, "header": header,
        "before": signing.payload(token) if before is None else before, "after": after,
        "signature": signature, "received_at": now,
    }  # fmt: skip


def _around(payload: bytes, entries: bytes) -> tuple[bytes | None, bytes | None]:
    """What stands before and after the entries; None where they do not stand there just once, without white space."""
    before, found, after = payload.partition(entries)
    return (before, after) if found and entries not in after else (None, None)
