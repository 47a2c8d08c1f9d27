"""Whether the receiver is well enough to be left alone; systemd starts it anew when it is not (docs/install.md)."""

from __future__ import annotations

from typing import Protocol

from loa.systemd import Notifier


class Patient(Protocol):
    """A running receiver."""

    @property
    def is_linked(self) -> bool:
        """The link's thread goes round, connected or not."""
        ...

    @property
    def is_sounding(self) -> bool: ...


class Watchdog:
    """Told each time the loop has gone round: a loop that hangs, in a card's driver perhaps, tells it nothing."""

    def __init__(self, patient: Patient, notifier: Notifier | None = None) -> None:
        self._patient, self._notifier = patient, notifier or Notifier()
        self.ready, self.stopping = self._notifier.ready, self._notifier.stopping

    def went_round(self) -> None:
        """All is well, unless the link is dead. What sounds does not need it, and is not cut off for it."""
        if self._patient.is_linked or self._patient.is_sounding:
            self._notifier.beat()
