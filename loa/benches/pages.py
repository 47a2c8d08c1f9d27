"""What pages cost a station with a year behind it, beside a bare Flask page with as many rows and queries.

Both are answered by the server of ``loa serve``, each in a process of its own, and asked over HTTP.
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from content import bulletins
from content.bulletins import Draft
from content.parts import spoken
from loa import staff
from loa.benches import crowd
from loa.benches.fleet import Figure
from loa.benches.reader import LOGINS, PASSWORD, Answer, Reader, Server, percentile
from loa.benches.years import Years
from loa.database import Database
from loa.errors import LoaError
from loa.staff import Role, Staff
from loa.times import DAY, after
from scheduler.reporting import periods
from web import create_app, current

PARTS = ("pages", "crowd")
TURNS = 60
BULLETINS = 300


def measure(
    deliveries: int, receivers: int, only: Collection[str] = PARTS, seconds: float = 20.0
) -> Iterator[Figure]:
    """Each figure as soon as it is known. Raises LoaError when a page is not answered."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loa-bench-")))
        years = stack.enter_context(closing(Years(folder, receivers, deliveries)))
        _furnish(years)
        yield Figure(f"Ghi sẵn {years.deliveries} kết quả trong {years.days} ngày", years.days, "ngày")  # fmt: skip
        server = stack.enter_context(_server(years))
        if "pages" in only:
            bare = stack.enter_context(_server(years, "--bare"))
            yield from _pages(years, server, bare)
        if "crowd" in only:
            yield from crowd.measure(years, server, list(_addresses(years).values()), seconds)


def _furnish(years: Years) -> None:
    """Accounts whose passwords are known, and bulletins to be listed."""
    begun = after(years.now, -300 * DAY)
    with years.ground.database.write() as session:
        for login in LOGINS:
            role = Role.ADMIN if login == "quantri" else Role.EDITOR
            staff.add(session, login=login, name=login, role=role, password=PASSWORD, now=begun)
        author = session.scalars(sa.select(Staff).where(Staff.login == "viet")).one()
        for number in range(BULLETINS):
            draft = Draft(title=f"Thông báo số {number}", parts=spoken("Mời bà con họp thôn."))
            bulletins.write(session, author, draft, after(begun, number * DAY // 2))


def _addresses(years: Years) -> dict[str, str]:
    month, last = periods.month(years.last), years.broadcasts
    return {
        "Hôm nay": "/",
        "Bản tin": "/ban-tin",
        "Một bản tin": "/ban-tin/1",
        "Duyệt": "/duyet",
        "Lịch phát": "/lich-phat",
        "Lịch theo tuần": "/lich-phat/lich",
        "Kế hoạch 24 giờ": "/lich-phat/24-gio",
        "Chương trình": "/chuong-trinh",
        "Chiến dịch": "/chien-dich",
        "Một lượt phát": f"/luot-phat/{last}",
        "Đầu thu": "/dau-thu",
        "Một đầu thu": f"/dau-thu/{years.ground.rids[0]}",
        "Khẩn cấp": "/khan-cap",
        "Nhật ký": "/nhat-ky",
        "Báo cáo tháng": f"/bao-cao?tu={month.first}&den={month.last}",
        "Báo cáo tháng, từng địa bàn": f"/bao-cao/dia-ban?tu={month.first}&den={month.last}",
        "Cán bộ": "/can-bo",
        "Quy chế": "/quy-che",
    }


# --- the servers -----------------------------------------------------------------------------------


@contextmanager
def _server(years: Years, *options: str) -> Iterator[Server]:
    folder, root = years.ground.folder, str(Path(__file__).parents[2])
    path = str(folder / "config.toml")
    command = [sys.executable, "-m", "loa.benches.page_server", path, str(years.now), *options]
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": root}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        said = process.stdout.readline() if process.stdout else ""
        if not said.strip().isdigit():
            raise LoaError(
                "Máy chủ trang của phép đo không chạy được. Hãy xem dòng báo lỗi ở trên."
            )
        try:
            yield Server(process, int(said))
        finally:
            process.terminate()


# --- one page after the other ----------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """What a page asks of the database."""

    queries: int
    rows: int


def _pages(years: Years, ours: Server, bare: Server) -> Iterator[Figure]:
    reader, plain = Reader(ours.port), Reader(bare.port)
    reader.enter()
    for what, address in _addresses(years).items():
        work = _work(years, address)
        mine = _took(ours, functools.partial(_page, reader, address))
        beside = f"/?queries={work.queries}&rows={work.rows}"
        theirs = _took(bare, functools.partial(_page, plain, beside))
        told = (
            f"{what} (p95 {mine.p95:.0f} ms, CPU {mine.cpu:.0f} ms; {work.queries} câu hỏi, {work.rows} dòng, "
            f"{mine.size / 1000:.0f} kB; trang trơn CPU {theirs.cpu:.0f} ms)"
        )
        yield Figure(told, mine.middle, "ms", theirs.middle, "p95 < 100 ms")
    reader.close()
    plain.close()


def _page(reader: Reader, address: str) -> Answer:
    answer = reader.get(address)
    if answer.status != 200:
        raise LoaError(f"Trang {address} trả lời {answer.status}: phép đo này không dùng được.")
    return answer


@dataclass(frozen=True)
class Took:
    """Milliseconds of many turns, and the bytes of the last."""

    middle: float
    p95: float
    cpu: float
    size: int


def _took(server: Server, work: Callable[[], Answer]) -> Took:
    size = len(work().body)
    begun = server.cpu_ms()
    times = sorted(work().ms for _ in range(TURNS))
    cpu = (server.cpu_ms() - begun) / TURNS
    return Took(statistics.median(times), percentile(times, 95), cpu, size)


def _work(years: Years, address: str) -> Work:
    """Counted once, in this process: each question is asked a second time to see how many rows it brings."""
    database = years.ground.database
    app = create_app(years.ground.config, database, clock=lambda: years.now)
    client = app.test_client()
    with database.read() as session:
        person = session.scalars(sa.select(Staff).where(Staff.login == "quantri")).one()
    with client.session_transaction() as cookie:
        cookie["staff"], cookie["stamp"] = person.id, person.session_stamp
    with _counted(database) as found:
        client.get(address, buffered=True)
    app.extensions[current.EXTENSION].hub.close()
    return Work(max(len(found), 1), sum(found))


@contextmanager
def _counted(database: Database) -> Iterator[list[int]]:
    """Rows of each question asked within."""
    found: list[int] = []

    def count(_c: Any, cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip("( ").upper().startswith(("SELECT", "WITH")):
            found.append(len(cursor.connection.execute(statement, values).fetchall()))

    event.listen(database._reader, "before_cursor_execute", count)
    try:
        yield found
    finally:
        event.remove(database._reader, "before_cursor_execute", count)
