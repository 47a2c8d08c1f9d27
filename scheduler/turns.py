"""Turns: how often one receiver may have us at work for what it merely says. Pure memory, times are arguments.

An honest receiver never meets these limits; one that does not keep to them costs itself its turn.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from loa.times import MINUTE, SECOND, Instant
from scheduler.gate import Quota

STATES = 20
"""States of one receiver taken in at once."""
STATE_MS = 500
"""Gives it one more, up to STATES."""
NONCE_EVERY = 10 * SECOND
AT_EASE = 3
"""Answers in a row before the wait for the next doubles."""
NONCE_MOST = 5 * MINUTE
FORGOTTEN = 10 * MINUTE
"""One that has not asked for so long begins anew."""


class StateQuota(Quota):
    """How many states each receiver may send; named like one that sends too much evidence."""

    def admit(self, receiver_id: str, now: Instant) -> bool:
        """True when one more state of that receiver may be looked at now."""
        account = self._account(receiver_id, now)
        if account.full_at - now > (STATES - 1) * STATE_MS:
            account.dropped += 1
            return False
        account.full_at = max(account.full_at, now) + STATE_MS
        return True


@dataclass(slots=True)
class _Answered:
    at: Instant
    in_a_row: int

    @property
    def wait(self) -> int:
        return min(NONCE_MOST, NONCE_EVERY << min(10, max(0, self.in_a_row - AT_EASE)))


class Nonces:
    """What receivers that do not know the time wait to hear back in a plan. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[str, str] = {}
        self._answered: dict[str, _Answered] = {}

    def said(self, nonces: Mapping[str, str], now: Instant) -> bool:
        """Note what each receiver said, nothing where it knows the time; True when any is to be answered now."""
        with self._lock:
            for receiver_id, nonce in nonces.items():
                if nonce:
                    self._asking[receiver_id] = nonce
                else:
                    self._asking.pop(receiver_id, None)
            return any(nonce and self._is_due(rid, now) for rid, nonce in nonces.items())

    def take(self, now: Instant) -> dict[str, str]:
        """The nonces to be answered now; the others stay until it is their turn."""
        with self._lock:
            due = {rid: nonce for rid, nonce in self._asking.items() if self._is_due(rid, now)}
            for receiver_id in due:
                del self._asking[receiver_id]
                self._note(receiver_id, now)
            return due

    def _is_due(self, receiver_id: str, now: Instant) -> bool:
        last = self._answered.get(receiver_id)
        return last is None or not 0 <= now - last.at < last.wait

    def _note(self, receiver_id: str, now: Instant) -> None:
        last = self._answered.get(receiver_id)
        is_new = last is None or now - last.at >= FORGOTTEN
        in_a_row = 1 if is_new or last is None else last.in_a_row + 1
        self._answered[receiver_id] = _Answered(now, in_a_row)
