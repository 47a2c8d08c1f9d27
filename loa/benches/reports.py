"""What reports cost with millions of deliveries behind the station: pages, exports, counting.

Beside each stands the least anybody can do for the same: the bare query, the bare cursor, the library alone.
"""

from __future__ import annotations

import functools
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from loa.benches import counting, exporting
from loa.benches.exporting import Export
from loa.benches.fleet import Figure
from loa.benches.years import A_DAY, Years
from loa.errors import LoaError
from loa.staff import Staff
from loa.times import DAY, after
from scheduler.reporting import figures, periods
from web import create_app, current

PARTS = ("pages", "exports", "counting")
TURNS = 20
CSV_ROWS, XLSX_ROWS = 1_000_000, 100_000
_BARE = (
    "SELECT c.area_name, c.state, sum(c.deliveries) FROM delivery_counts c JOIN broadcasts b ON b.id = c.broadcast_id "
    "WHERE b.starts_at >= :since AND b.starts_at < :until GROUP BY c.area_name, c.state"
)
_RAW = (
    "SELECT d.area_name, d.state, count(*) FROM deliveries d JOIN broadcasts b ON b.id = d.broadcast_id "
    "WHERE b.starts_at >= :since AND b.starts_at < :until GROUP BY d.area_name, d.state"
)


def measure(
    deliveries: int = 10_000_000, receivers: int = 2_000, url: str = "", only: Collection[str] = PARTS
) -> Iterator[Figure]:  # fmt: skip
    """Each figure as soon as it is known; the database is gone afterwards, unless ``url`` names one."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        begun = time.perf_counter()
        with closing(Years(Path(folder), receivers, deliveries, url)) as years:
            what = f"{years.deliveries} kết quả: {receivers} đầu thu, {years.broadcasts} lượt, {years.days} ngày"
            yield Figure(f"Ghi sẵn {what}", time.perf_counter() - begun, "s")
            yield from _size(years)
            if "pages" in only:
                yield from _month(years)
                yield from _pages(years)
            if "exports" in only:
                yield from _exports(years, Path(folder))
            if "counting" in only:
                yield from counting.measure(years)


def _size(years: Years) -> Iterator[Figure]:
    database = years.ground.database
    if database.is_sqlite:
        size = Path(database.url.database or "").stat().st_size
        yield Figure("  cả cơ sở dữ liệu, cho mỗi kết quả", size / years.deliveries, "byte")


class Took(NamedTuple):
    """Milliseconds of a few turns."""

    middle: float
    p95: float
    cpu: float
    """Of this process, in the middle: where others keep the machine busy, this tells more."""

    def figure(self, what: str, bare: Took | None = None, goal: str = "") -> Figure:
        what += f" (p95 {self.p95:.0f} ms, CPU {self.cpu:.0f} ms)"
        return Figure(what, self.middle, "ms", bare.middle if bare else None, goal)


def _took(work: Callable[[], object], turns: int = 0) -> Took:
    work()
    walls, cpus, turns = [], [], turns or TURNS
    for _ in range(turns):
        begun, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append((time.perf_counter() - begun) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return Took(statistics.median(walls), sorted(walls)[-1 - turns // 20], statistics.median(cpus))


def _month(years: Years) -> Iterator[Figure]:
    period = periods.month(years.last)
    since, until = period.bounds(years.zone)
    span = {"since": since, "until": until}
    with years.ground.database.read() as session:
        kept, raw = (_by_area(session, text, span) for text in (_BARE, _RAW))
        if kept != raw or kept != figures.by_area_and_state(session, since, until):
            raise LoaError("Số đếm sẵn khác với đếm lại từng kết quả: phép đo này không dùng được.")
        bare = _took(lambda: session.execute(sa.text(_BARE), span).all())
        counted = _took(lambda: session.execute(sa.text(_RAW), span).all(), 3)
        ours = _took(lambda: figures.by_area_and_state(session, since, until))
        yield ours.figure("Một tháng theo địa bàn và kết quả", bare, "< 100 ms")
        yield counted.figure("  đếm lại từng kết quả, không dùng số đếm sẵn")
        whole = _took(lambda: figures.of_period(session, period, years.zone))
        yield whole.figure("  mọi số liệu của báo cáo tháng", bare)


def _by_area(session: Session, text: str, span: Mapping[str, int]) -> dict[tuple[str, str], int]:
    return {(area, state): int(n) for area, state, n in session.execute(sa.text(text), span)}


def _pages(years: Years) -> Iterator[Figure]:
    app = create_app(years.ground.config, years.ground.database, clock=lambda: years.now)
    app.config.update(WTF_CSRF_ENABLED=False)
    client = _signed_in(years, app.test_client())
    month = periods.month(years.last)
    whole = f"tu={years.first}&den={years.last}"
    first_receiver = years.ground.rids[0]
    for what, address in {
        "Nhật ký 7 ngày, trang đầu": "/nhat-ky",
        "Nhật ký 7 ngày, trang cuối": "/nhat-ky?trang=999999999",
        "Nhật ký từ đầu đến nay, trang đầu": f"/nhat-ky?{whole}",
        "Nhật ký từ đầu đến nay, trang cuối": f"/nhat-ky?{whole}&trang=999999999",
        "  chỉ “chưa có xác nhận”, trang cuối": f"/nhat-ky?{whole}&ket_qua=unknown&trang=999999999",
        "  chỉ một đầu thu": f"/nhat-ky?{whole}&dau_thu={first_receiver}",
        "  theo tên bản tin": f"/nhat-ky?{whole}&tim=số+77",
        "Báo cáo tháng": f"/bao-cao?tu={month.first}&den={month.last}",
        "Báo cáo tháng, từng đầu thu": f"/bao-cao/dau-thu?tu={month.first}&den={month.last}",
    }.items():
        took = _took(functools.partial(_get, client, address), TURNS // 2)
        yield took.figure(what, goal="< 1000 ms")
    app.extensions[current.EXTENSION].hub.close()


def _signed_in(years: Years, client: FlaskClient) -> FlaskClient:
    with years.ground.database.read() as session:
        person = session.scalars(sa.select(Staff).where(Staff.login == "viet")).one()
    with client.session_transaction() as cookie:
        cookie["staff"], cookie["stamp"] = person.id, person.session_stamp
    return client


def _get(client: FlaskClient, address: str) -> None:
    answer = client.get(address, buffered=True)
    if answer.status_code != 200:
        raise LoaError(
            f"Trang {address} trả lời {answer.status_code}: phép đo này không dùng được."
        )


def _exports(years: Years, folder: Path) -> Iterator[Figure]:
    is_sqlite = years.ground.database.is_sqlite
    for name, most, goal, kinds in (
        ("CSV", CSV_ROWS, "tỉ lệ ≤ 1,5", ("csv-bare", "csv-polars")),
        ("XLSX", XLSX_ROWS, "tỉ lệ ≤ 1,2", ("xlsx-bare", "xlsx-xml")),
    ):
        ours = _export(years, folder, name.lower(), most)
        what = f"{name} của {ours.rows} dòng{_memory(ours)}"
        yield Figure(what, _cost(ours, is_sqlite), "s", goal="bộ nhớ không tăng theo số dòng")
        for kind in kinds:
            if kind == "csv-polars" and importlib.util.find_spec("polars") is None:
                yield Figure("  polars: không cài, không đo", 0, "")
                continue
            bare = _export(years, folder, kind, most)
            what = f"  so với {kind}{_memory(bare)}"
            yield Figure(what, _cost(ours, is_sqlite), "s", _cost(bare, is_sqlite), goal)


def _cost(took: Export, is_sqlite: bool) -> float:
    """Seconds: of processor time, where the database is in the same process; else by the clock."""
    return took.cpu_seconds if is_sqlite else took.seconds


def _memory(took: Export) -> str:
    memory = f"{took.begun_megabytes:.0f} → {took.megabytes:.0f} MB"
    return f" ({took.seconds:.1f} s, CPU {took.cpu_seconds:.1f} s; {memory})"


def _export(years: Years, folder: Path, kind: str, most: int) -> Export:
    days = -(-most // (A_DAY * years.ground.count))
    since = after(years.now, -days * DAY)
    out = folder / f"{kind}.out"
    url = years.ground.database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", exporting.__name__, kind, url, str(since), str(out)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    with suppress(FileNotFoundError):
        out.unlink()
    return msgspec.json.decode(done.stdout, type=Export)
