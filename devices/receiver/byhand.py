"""Canned sounds begun and stopped by whoever stands at the box: no link, no plan and no clock is needed."""

from __future__ import annotations

from collections.abc import Callable

from devices.receiver.agenda import Agenda
from devices.receiver.canned import Shelved
from devices.receiver.clock import Clock
from devices.receiver.journal import Journal
from devices.receiver.outputs import Output, Sound, Undecodable, delay_of
from devices.receiver.shelf import Shelf
from devices.receiver.stage import BY_HAND, Act, Stage
from loa.errors import DeviceError


class ByHand:
    """Says in a sentence why it does not do what it is told."""

    def __init__(
        self, journal: Journal, canned: Shelved, shelf: Shelf, stage: Stage, output: Output, clock: Clock,
        agenda: Agenda, lost: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._journal, self._canned, self._shelf, self._stage = journal, canned, shelf, stage
        self._output, self._clock, self._agenda, self._lost = output, clock, agenda, lost

    def play(self, n: int, vol: int) -> str:
        """Sound number ``n`` now at volume ``vol``; the answer is the occurrence's id. Raises DeviceError."""
        found = self._canned.find(n, self._clock, self._journal.boot)
        if found is None:
            raise DeviceError(f"Đầu thu này không có âm thanh lưu sẵn số {n}. Hãy hỏi đài số đúng.")
        occ, audio = found
        if occ.cls != "E" and self._agenda.is_quiet(delay_of(self._output) + audio.ms):
            raise DeviceError(
                "Đang trong giờ không phát nên đầu thu không phát tiếng thử. Hãy thử lại ngoài giờ này."
            )
        if not self._stage.is_free_for(occ.cls):
            raise DeviceError("Đầu thu đang phát. Hãy đợi phát xong, hoặc dừng trước rồi thử lại.")
        data = self._shelf.read(occ.sha, audio.n)
        if data is None:
            self._lost(occ.sha)
            raise DeviceError(f"Âm thanh lưu sẵn số {n} chưa tải về xong. Hãy thử số khác.")
        try:
            sound = Sound(occ.id, data, audio.ms, vol / 100)
            playing = self._output.open(sound)
        except Undecodable as error:
            raise DeviceError(f"Âm thanh lưu sẵn số {n} bị hỏng. Hãy báo đài.") from error
        act = Act(occ, playing, sound, vol, audio.ms, BY_HAND)
        self._stage.commence(act, self._clock.wall(), 0, why="local", cls=occ.cls)
        return occ.id

    def stop(self) -> None:
        """Silence what was begun by hand. Raises DeviceError when nothing was."""
        now = self._stage.now
        if now is None or now.kid != BY_HAND:
            raise DeviceError("Đầu thu không phát âm thanh lưu sẵn nào.")
        self._stage.interrupt("local")
