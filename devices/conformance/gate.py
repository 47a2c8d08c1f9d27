"""Stands between a receiver and the broker: cuts the line when told to, and keeps what the receiver sent."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass, field

from devices.conformance.packets import Packet, Reader

CHUNK = 65_536


@dataclass(frozen=True)
class Passed:
    """A packet of the receiver's, and when it went by."""

    line: int
    """Number of the connection."""
    at: float
    """``time.monotonic()``."""
    packet: Packet


@dataclass
class Gate:
    """One receiver's way to the broker; ``port`` is where it knocks."""

    port: int
    open: bool = True
    lines: int = 0
    """Connections it has made so far."""
    garbled: bool = False
    """It sent what is no MQTT."""
    passed: list[Passed] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def shut(self) -> None:
        """Cut the line; whoever knocks is turned away until ``mend``."""
        self.open = False
        self._drop()

    def mend(self) -> None:
        """Let it through again."""
        self.open = True

    def cut(self) -> None:
        """Break the line once."""
        self._drop()

    def _drop(self) -> None:
        if self._loop is None:
            return
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._abort, done)
        done.wait(5)

    def _abort(self, done: threading.Event) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        done.set()

    async def admit(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broker: int
    ) -> None:
        """Carry one connection until either side ends it."""
        if not self.open:
            writer.transport.abort()
            return
        try:
            up, down = await asyncio.open_connection("127.0.0.1", broker)
        except OSError:
            writer.transport.abort()
            return
        self.lines += 1
        ends = {writer, down}
        self._writers |= ends
        pumps = [
            asyncio.ensure_future(self._pump(reader, down, self.lines)),
            asyncio.ensure_future(self._pump(up, writer, None)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self._writers -= ends
        for end in ends:
            end.transport.close()
        await asyncio.wait(pumps)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: int | None
    ) -> None:
        packets = Reader()
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if line is not None:
                    self._note(packets, data, line)
                writer.write(data)
                await writer.drain()

    def _note(self, packets: Reader, data: bytes, line: int) -> None:
        if self.garbled:
            return
        with self.changed:
            try:
                self.passed += [Passed(line, time.monotonic(), one) for one in packets.feed(data)]
            except ValueError:
                self.garbled = True
            self.changed.notify_all()


class Gates:
    """All gates, in one thread."""

    def __init__(self, broker_port: int) -> None:
        self._broker = broker_port
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="gates", daemon=True)
        self._thread.start()

    def make(self) -> Gate:
        """A new gate, listening."""
        return asyncio.run_coroutine_threadsafe(self._make(), self._loop).result(10)

    async def _make(self) -> Gate:
        gate = Gate(0, _loop=self._loop)

        async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await gate.admit(reader, writer, self._broker)

        server = await asyncio.start_server(admit, "127.0.0.1", 0)
        self._servers.append(server)
        gate.port = server.sockets[0].getsockname()[1]
        return gate

    def close(self) -> None:
        """End all of it."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
