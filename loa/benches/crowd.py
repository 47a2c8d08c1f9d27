"""Fifty open live pages and twenty sign-ins a second, and how the others' pages fare meanwhile.

The live pages do as a browser does: when told that something changed, each asks for its part anew. Requests come at
their times whether or not those before were answered, and how long one took is counted from when it was due.
"""

from __future__ import annotations

import queue
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field

import sqlalchemy as sa

from loa.benches.fleet import Figure
from loa.benches.reader import LOGINS, PASSWORD, PATIENCE, Reader, Server, percentile
from loa.benches.years import Years
from loa.errors import LoaError
from scheduler.broadcasts import Delivery

LIVE, SIGN_INS, READS = 50, 20, 10
"""Open pages; sign-ins and pages asked for in a second."""
CHANGE_SECONDS = 5.0
"""A receipt comes in so often, and every live page asks for its part."""
WORKERS = 48
_ABRUPT = struct.pack("ii", 1, 0)
"""Linger for no time: the other side is told nothing but that the connection is gone."""


def measure(
    years: Years, server: Server, addresses: Sequence[str], seconds: float
) -> Iterator[Figure]:
    """Quiet first, then with the crowd, then what becomes of those who vanish."""
    port = server.port
    reader = Reader(port)
    reader.enter()
    quiet = _run(years, port, reader.cookie, addresses, seconds / 4, sign_ins=0)
    yield _figure("Trang, khi chỉ có người đọc", quiet.pages)
    with closing(LivePages(port, reader.cookie, LIVE)) as live:
        yield Figure("Trang đang mở có luồng trực tiếp", live.begin(), "trang", goal=f"{LIVE}")
        cpu = server.cpu_ms()
        busy = _run(years, port, reader.cookie, addresses, seconds, sign_ins=SIGN_INS, live=live)
        told = f"Trang, bên cạnh {LIVE} trang trực tiếp và {SIGN_INS} lần đăng nhập mỗi giây"
        yield _figure(told, busy.pages, "p95 < 200 ms")
        yield _figure("  đăng nhập", busy.sign_ins)
        cores = (server.cpu_ms() - cpu) / 1000 / seconds
        yield Figure("  bộ xử lý mà máy chủ trang dùng", cores, "nhân")
        let_in = busy.outcomes[302] / seconds
        yield Figure("  đăng nhập xong mỗi giây", let_in, "lần/s", goal=f"{SIGN_INS}")
        refused = sum(busy.outcomes.values()) - busy.outcomes[302]
        yield Figure("  đăng nhập bị hẹn lại bằng một câu", refused, "lần")
        yield _figure("  phần trang trực tiếp được lấy lại", live.took)
        live.vanish()
    yield Figure("Khách biến mất được bỏ sau", _dropped(port, reader.cookie), "s", goal="< 20 s")
    reader.close()


def _figure(what: str, took: list[float], goal: str = "") -> Figure:
    if not took:
        return Figure(f"{what}: không có lần nào", 0, "ms")
    ordered = sorted(took)
    p50, p95 = percentile(ordered, 50), percentile(ordered, 95)
    return Figure(f"{what}, p95 (trung vị {p50:.0f} ms, {len(took)} lần)", p95, "ms", goal=goal)


# --- what comes at its time --------------------------------------------------------------------------


@dataclass
class Run:
    """Milliseconds from when each was due to its last byte; how sign-ins were answered."""

    pages: list[float] = field(default_factory=list)
    sign_ins: list[float] = field(default_factory=list)
    outcomes: Counter[int] = field(default_factory=Counter)


def _run(
    years: Years, port: int, cookie: str, addresses: Sequence[str], seconds: float,
    sign_ins: int, live: LivePages | None = None,
) -> Run:  # fmt: skip
    run = Run()
    due: list[tuple[float, Callable[[float], None]]] = [
        (number / READS, _read(run, port, cookie, addresses[number % len(addresses)]))
        for number in range(int(READS * seconds))
    ]
    for number in range(int(sign_ins * seconds)):
        login = LOGINS[1 + number % (len(LOGINS) - 1)]
        due.append((number / sign_ins, _sign_in(run, port, login)))
    if live is not None:
        due += [
            (number * CHANGE_SECONDS, _change(years, number))
            for number in range(int(seconds / CHANGE_SECONDS))
        ]
    _at_their_times(sorted(due, key=lambda each: each[0]))
    return run


def _at_their_times(due: list[tuple[float, Callable[[float], None]]]) -> None:
    """Each by the next idle worker, told when it was due. Raises what one of them raised."""
    waiting: queue.SimpleQueue[tuple[float, Callable[[float], None]] | None] = queue.SimpleQueue()
    failed: list[Exception] = []

    def work() -> None:
        while (job := waiting.get()) is not None:
            try:
                job[1](job[0])
            except (OSError, LoaError) as error:
                failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    begun = time.perf_counter()
    for moment, job in due:
        # The load itself: each comes at its own time, whether or not those before were answered.
        time.sleep(max(begun + moment - time.perf_counter(), 0))
        waiting.put((begun + moment, job))
    for _ in workers:
        waiting.put(None)
    for worker in workers:
        worker.join()
    if failed:
        raise LoaError(f"{len(failed)} yêu cầu không được trả lời: {failed[0]!r}")


def _read(run: Run, port: int, cookie: str, address: str) -> Callable[[float], None]:
    def work(due: float) -> None:
        with closing(Reader(port, cookie)) as reader:
            status = reader.get(address).status
        if status != 200:
            raise LoaError(f"{address} trả lời {status}")
        run.pages.append((time.perf_counter() - due) * 1000)

    return work


def _sign_in(run: Run, port: int, login: str) -> Callable[[float], None]:
    def work(due: float) -> None:
        with closing(Reader(port)) as reader:
            status = reader.sign_in(login, PASSWORD).status
        run.outcomes[status] += 1
        run.sign_ins.append((time.perf_counter() - due) * 1000)

    return work


def _change(years: Years, number: int) -> Callable[[float], None]:
    """A receiver's word on a broadcast of today."""

    def work(_due: float) -> None:
        is_its = Delivery.receiver_id == years.ground.rids[number % len(years.ground.rids)]
        change = sa.update(Delivery).where(Delivery.broadcast_id == years.broadcasts, is_its)
        with years.ground.database.write() as session:
            session.execute(change.values(state="played", rev=number))

    return work


# --- open pages --------------------------------------------------------------------------------------


class LivePages:
    """Open pages: a stream for each, and one thread that hears them all."""

    def __init__(self, port: int, cookie: str, count: int) -> None:
        self._port, self._cookie, self._count = port, cookie, count
        self._streams: list[socket.socket] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self.took: list[float] = []

    def begin(self) -> int:
        """How many of them were let in."""
        self._streams = [
            stream
            for _ in range(self._count)
            if (stream := open_stream(self._port, self._cookie)) is not None
        ]
        self._thread.start()
        return len(self._streams)

    def vanish(self) -> None:
        """All at once, without a goodbye."""
        self._stop.set()
        self._thread.join()
        for stream in self._streams:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
            stream.close()
        self._streams = []

    def close(self) -> None:
        if self._thread.is_alive():
            self.vanish()

    def _listen(self) -> None:
        while not self._stop.is_set():
            heard, _, _ = select.select(self._streams, [], [], 0.2)
            moment = time.perf_counter()
            told = sum(b"broadcasts" in stream.recv(65_536) for stream in heard)
            asking = [threading.Thread(target=self._ask, args=(moment,)) for _ in range(told)]
            for each in asking:
                each.start()
            for each in asking:
                each.join()

    def _ask(self, moment: float) -> None:
        with suppress(OSError), closing(Reader(self._port, self._cookie)) as reader:
            reader.get("/hom-nay", **{"X-Seen": "another", "HX-Request": "true"})
            self.took.append((time.perf_counter() - moment) * 1000)


def open_stream(port: int, cookie: str) -> socket.socket | None:
    """A stream that has begun; None where it was refused."""
    stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    stream.sendall(f"GET /truc-tiep HTTP/1.1\r\nHost: loa\r\nCookie: {cookie}\r\n\r\n".encode())
    head = stream.recv(4_096)
    if b" 200 " in head.split(b"\r\n", 1)[0]:
        return stream
    stream.close()
    return None


def _dropped(port: int, cookie: str) -> float:
    """Seconds until as many streams as were lost are let in again: before, the dead hold their places."""
    begun = time.perf_counter()
    again: list[socket.socket] = []
    while len(again) < LIVE:
        if time.perf_counter() - begun > PATIENCE:
            raise LoaError(f"Sau {PATIENCE:.0f} giây khách biến mất vẫn còn giữ chỗ.")
        stream = open_stream(port, cookie)
        if stream is None:
            time.sleep(
                0.1
            )  # a refused page would not ask again at once either; the whole wait is bounded above
        else:
            again.append(stream)
    found = time.perf_counter() - begun
    for stream in again:
        stream.close()
    return found
