"""The gate for evidence: whose batches are looked at, how many of them, and which are truly the receiver's.

A receiver sends one batch at a time and waits for the answer, so an honest one never meets the limits here. One
that does not wait, or sends what it did not sign, costs itself its turn and nobody else theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from devices import claims, messages, signing
from devices.receivers import Receiver
from loa import bulk
from loa.database import Database
from loa.times import MINUTE, Instant
from scheduler import receipts, verifying
from scheduler.receipts import Batch
from scheduler.verifying import Token, Verifiers

log = logging.getLogger(__name__)
A_CYCLE = 4
"""Batches of one receiver taken in together."""
BURST = 200
EACH_MS = 50
"""Gives a receiver one more batch, up to BURST."""
FORGED_COSTS = 20
"""Batches: a signature that is not its own is a second's worth."""
ALARM_EVERY = 10 * MINUTE


class Alarm(NamedTuple):
    """A receiver sends more than its share."""

    receiver_id: str
    dropped: int
    forged: int


@dataclass(slots=True)
class _Account:
    full_at: int
    """When its allowance is whole again."""
    dropped: int = 0
    forged: int = 0
    alarmed_at: int = -ALARM_EVERY


class Quota:
    """How much each receiver may send. Pure memory, of those alone that have sent something lately."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def admit(self, receiver_id: str, now: Instant) -> bool:
        """True when that receiver may have one more batch looked at now."""
        account = self._account(receiver_id, now)
        if account.full_at - now > (BURST - 1) * EACH_MS:
            account.dropped += 1
            return False
        account.full_at = max(account.full_at, now) + EACH_MS
        return True

    def forged(self, receiver_id: str, now: Instant) -> None:
        """What it sent was not signed by it."""
        account = self._account(receiver_id, now)
        account.forged += 1
        account.full_at = max(account.full_at, now) + (FORGED_COSTS - 1) * EACH_MS

    def alarms(self, now: Instant) -> list[Alarm]:
        """Who is to be named now: each once in ten minutes, with what was counted since."""
        named = []
        for receiver_id, account in list(self._accounts.items()):
            if account.dropped and not 0 <= now - account.alarmed_at < ALARM_EVERY:
                named.append(Alarm(receiver_id, account.dropped, account.forged))
                account.dropped, account.forged, account.alarmed_at = 0, 0, now
            elif self._is_idle(account, now):
                del self._accounts[receiver_id]
        return named

    def __len__(self) -> int:
        return len(self._accounts)

    def _account(self, receiver_id: str, now: Instant) -> _Account:
        account = self._accounts.get(receiver_id)
        if account is None:
            account = self._accounts[receiver_id] = _Account(full_at=now)
        if account.full_at - now > (BURST + FORGED_COSTS) * EACH_MS:
            account.full_at = now  # the clock was set back
        return account

    @staticmethod
    def _is_idle(account: _Account, now: Instant) -> bool:
        rested = account.full_at <= now and not account.dropped
        return rested and not 0 <= now - account.alarmed_at < ALARM_EVERY


class Keys:
    """Public keys of the receivers that report, read once and kept until something may have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, str] = {}

    def forget(self) -> None:
        """Receivers may have been added or given new keys. Any thread may say so."""
        self._known = {}

    def of(self, receiver_ids: Iterable[str]) -> dict[str, str]:
        """The present key of each of these that the station knows; a retired one may still deliver old evidence."""
        known, wanted = self._known, set(receiver_ids)
        if missing := wanted - known.keys():
            found = sa.select(Receiver.id, Receiver.public_key)
            with self._database.read() as session:
                named = found.where(bulk.among(session, Receiver.id, missing))
                known.update({row.id: row.public_key for row in session.execute(named)})
        return {rid: known[rid] for rid in wanted if rid in known}

    def all_of(self, receiver_id: str) -> dict[str, Instant | None]:
        """Every key that receiver has or had, read anew → when it was taken back; None: it is the present one."""
        with self._database.read() as session:
            present = session.scalar(
                sa.select(Receiver.public_key).where(Receiver.id == receiver_id)
            )
            former = claims.former_keys(session, receiver_id)
        return {present: None, **{key.public_key: key.until for key in former}} if present else {}


class Gate:
    """Lets in the batches that are what they say they are. One thread may use it; ``keys.forget`` any."""

    def __init__(self, database: Database, verifiers: Verifiers | None = None) -> None:
        self.keys = Keys(database)
        self.quota = Quota()
        self.verifiers = verifiers or Verifiers()

    def let_in(
        self, arrived: Sequence[tuple[str, bytes]], now: Instant, lend: bool = True
    ) -> list[Batch]:
        """The true batches among these pairs of receiver and payload, in order; the rest is logged and dropped.

        ``lend``: as ``Verifiers.faults`` has it.
        """
        if not arrived:
            return []
        admitted = self._admitted(arrived, now)
        keys = self.keys.of(rid for rid, _ in admitted)
        jobs = [
            Token(payload, receipts.EVENTS_TYPE, rid, (keys[rid],))
            for rid, payload in admitted
            if rid in keys
        ]
        faults = self.verifiers.faults(jobs, now, lend)
        batches = (self._read(job, why, now) for job, why in zip(jobs, faults, strict=True))
        return [batch for batch in batches if batch is not None]

    def _admitted(
        self, arrived: Sequence[tuple[str, bytes]], now: Instant
    ) -> list[tuple[str, bytes]]:
        turns: dict[str, int] = {}
        admitted = []
        for rid, payload in arrived:
            turns[rid] = turns.get(rid, 0) + 1
            if turns[rid] > A_CYCLE or not self.quota.admit(rid, now):
                continue
            if len(payload) > messages.MAX_EVENTS_BYTES:
                self._drop(rid, "too_big", now)
            else:
                admitted.append((rid, payload))
        return admitted

    def _read(self, job: Token, why: str, now: Instant) -> Batch | None:
        rid = job.kid
        try:
            until = self._taken_back(job, why) if why else None
            batch = receipts.read(rid, job.token)
            return batch if until is None else replace(batch, until=until)
        except (msgspec.DecodeError, signing.BadSignature) as error:
            self._drop(rid, error, now)
            return None

    def _drop(self, rid: str, why: object, now: Instant) -> None:
        self.quota.forged(rid, now)
        log.warning("dropped a message on %s: %s", messages.events_topic(rid), why)

    def _taken_back(self, job: Token, why: str) -> Instant | None:
        """When the other key that signed it was taken back; None: it is the present one. Raises BadSignature."""
        for key, until in self.keys.all_of(job.kid).items():
            other = job._replace(keys=(key,))
            if key not in job.keys and not verifying.fault(other):
                return until
        raise signing.BadSignature(why)
