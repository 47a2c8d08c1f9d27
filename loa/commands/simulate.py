"""``loa simulate``: the demo's virtual receivers; with ``-n`` thousands in memory, with faults and the truth."""

from __future__ import annotations

import argparse
import re
import resource
import threading
import time
from pathlib import Path

import msgspec

from devices import simulator
from devices.simulator import Faults, SimSettings, Simulation, Sounded, Stats
from loa import demo, logs, memory, processes, simulated, times
from loa.commands import common
from loa.config import Config
from loa.database import Database
from loa.times import HOUR, MINUTE, SECOND

UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR}


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--output",
        choices=("null", "wav"),
        default="null",
        help="null: không phát tiếng; wav: ghi ra tệp (chỉ khi không có -n)",
    )
    many = parser.add_argument_group("nhiều đầu thu trong bộ nhớ")
    many.add_argument("-n", type=int, metavar="SỐ", help="mô phỏng chừng ấy đầu thu, tự đăng ký")
    many.add_argument("--area", type=int, metavar="MÃ", help="địa bàn có sẵn để đặt đầu thu mới")
    many.add_argument("--minutes", type=float, metavar="PHÚT", help="tự dừng sau chừng ấy phút")
    many.add_argument(
        "--json", type=Path, metavar="TỆP", help="ghi kết quả, cả những gì đã thật sự phát"
    )
    many.add_argument(
        "--every", type=duration, default=5 * SECOND, metavar="T", help="nhịp in tình hình (5s)"
    )
    many.add_argument(
        "--spread", type=duration, default=0, metavar="T", help="bật dần trong khoảng này (0s)"
    )
    many.add_argument(
        "--retire", action="store_true", help="khi dừng, thôi dùng mọi đầu thu mô phỏng"
    )
    _add_faults(parser.add_argument_group("sự cố, mỗi đầu thu một phần, tính từ --seed"))


def _add_faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--seed", type=int, default=0, metavar="SỐ", help="cùng số thì cùng sự cố (0)"
    )
    group.add_argument(
        "--loss", type=share, default=0.0, metavar="P", help="phần tin bị mất: 0.05 hoặc 5%%"
    )
    group.add_argument(
        "--latency", type=duration, default=0, metavar="T", help="độ trễ lớn nhất: 200ms"
    )
    group.add_argument(
        "--power-cuts", type=rate, default=0.0, metavar="N/h", help="số lần mất điện mỗi giờ"
    )
    group.add_argument(
        "--link-cuts", type=rate, default=0.0, metavar="N/h", help="số lần đứt mạng mỗi giờ"
    )
    group.add_argument(
        "--clock-error", type=duration, default=0, metavar="T", help="đồng hồ lệch tới: 500ms"
    )
    group.add_argument(
        "--no-clock", type=share, default=0.0, metavar="P", help="phần đầu thu không biết giờ"
    )


def duration(text: str) -> int:
    """Milliseconds of “200ms”, “5s”, “2m”, “1h”."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"“{text}” không phải khoảng thời gian; ví dụ 200ms, 5s, 2m"
        )
    return int(float(found[1]) * UNITS[found[2]])


def share(text: str) -> float:
    """0 to 1, of “0.05” or “5%”."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    value = float(found[1]) / (100 if found[2] else 1) if found else -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"“{text}” không nằm giữa 0 và 1 (0% và 100%)")
    return value


def rate(text: str) -> float:
    """Times per hour, of “6/h” or “6”."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/h)?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"“{text}” không phải số lần mỗi giờ; ví dụ 6/h")
    return float(found[1])


def run(parsed: argparse.Namespace) -> int:
    logs.configure("simulate")
    config = common.load(parsed)
    stop = threading.Event()
    processes.stop_on_signals(stop)
    if parsed.n is None:
        simulator.run(demo.simulated_folder(config), parsed.output, stop)
        return 0
    return _run_many(parsed, config, stop)


def _run_many(parsed: argparse.Namespace, config: Config, stop: threading.Event) -> int:
    database = Database(config.database_url)
    try:
        database.demand_current()
        settings = _settings(parsed, config, database)
        _watch(parsed, settings, stop)
        if parsed.retire:
            print(f"Đã thôi dùng {simulated.retire(database, now=times.now())} đầu thu mô phỏng.")
    finally:
        database.close()
    return 0


def _settings(parsed: argparse.Namespace, config: Config, database: Database) -> SimSettings:
    begun = time.monotonic()
    settings = simulated.prepare(config, database, parsed.n, now=times.now(), area_id=parsed.area)
    print(
        f"Đài đã biết {parsed.n} đầu thu mô phỏng ({time.monotonic() - begun:.1f} giây).",
        flush=True,
    )
    faults = Faults(
        loss=parsed.loss,
        latency_ms=parsed.latency,
        power_cuts=parsed.power_cuts,
        link_cuts=parsed.link_cuts,
        clock_error_ms=parsed.clock_error,
        no_clock=parsed.no_clock,
        seed=parsed.seed,
    )
    return simulated.with_faults(settings, faults, parsed.spread / SECOND)


def _watch(parsed: argparse.Namespace, settings: SimSettings, stop: threading.Event) -> None:
    """Run, say how it stands now and then, and write the summary."""
    simulation = Simulation(settings)
    simulation.start()
    begun = time.monotonic()
    until = begun + parsed.minutes * 60 if parsed.minutes else float("inf")
    try:
        _go_on(simulation, parsed.every / SECOND, until, stop)
    finally:
        simulation.stop()
    _finish(simulation, time.monotonic() - begun, parsed.json)


def _go_on(simulation: Simulation, every: float, until: float, stop: threading.Event) -> None:
    is_frozen = False
    while not stop.wait(max(0.0, min(every, until - time.monotonic()))):
        stats = simulation.stats()
        print(line(stats), flush=True)
        if not is_frozen and stats.connects >= stats.known:
            # What thousands of receivers keep is never garbage: to walk it again and again would hold all of them up.
            memory.keep()
            is_frozen = True
        if time.monotonic() >= until:
            return


def _finish(simulation: Simulation, seconds: float, path: Path | None) -> None:
    stats = simulation.stats()
    print(line(stats), flush=True)
    if path is not None:
        path.write_bytes(summary(simulation.settings, stats, simulation.truth(), seconds))


def line(stats: Stats) -> str:
    """How it stands, in one line."""
    cuts = f"; cắt điện {stats.power_cuts}, đứt mạng {stats.link_cuts}, mất {stats.lost} tin"
    crashes = f"; HỎNG {stats.crashes} lần, xem nhật ký" if stats.crashes else ""
    return (
        f"{stats.connected}/{stats.known} trực tuyến, {stats.playing} đang phát, {stats.played} đã phát, "
        f"{stats.refused} từ chối, {stats.acked}/{stats.entries} mục nhật ký được xác nhận"
        f"{cuts if stats.power_cuts or stats.link_cuts or stats.lost else ''}{crashes}"
    )


def summary(settings: SimSettings, stats: Stats, truth: list[Sounded], seconds: float) -> bytes:
    """The JSON that a soak holds against the station's log."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "receivers": len(settings.rids),
                "faults": settings.faults,
                "seconds": round(seconds, 1),
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
                "max_rss_mb": round(usage.ru_maxrss / 1000, 1),
                "stats": stats,
                "truth": [one._asdict() for one in truth],
            }
        ),
        indent=1,
    )
