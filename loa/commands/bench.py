"""``loa bench``: what they cost on this machine, beside the plainest work there is."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from content import mastering, reading, transcode
from content.voices.base import Registry
from content.voices.espeak import Espeak
from loa.commands import (
    bench_fleet,
    bench_pages,
    bench_reports,
    bench_schedule,
    bench_skew,
    measuring,
)
from loa.errors import ContentError

TEXT = (
    "Ủy ban nhân dân xã thông báo: từ 7h30 ngày 16/6/2026, theo Quyết định số 47/2020/NĐ-CP, toàn thể bà con "
    "trong thôn tập trung tại nhà văn hóa để tiêm phòng cho trẻ em. Đề nghị các gia đình mang theo sổ tiêm "
    "chủng; lệ phí 15.000 đồng/cháu, hotline 0912 345 678.\n"
)
# A village's upload: speech, now near the microphone, now far from it, in a room that is not quiet.
ROOM = (
    "[0]aresample=44100,volume='if(lt(mod(t,90),45),1,0.4)':eval=frame[a];"
    "[a][1]amix=2:normalize=0:duration=shortest,pan=stereo|c0=c0|c1=0.8*c0"
)
HISS = "anoisesrc=c=pink:a=0.01:r=44100:seed=1"
SAMPLING_SECONDS = 0.05
MEGABYTE = 1e6


class Cost(msgspec.Struct):
    """What a stretch of work took, of this process and its children together."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    resident_mb: float = 0.0
    """Highest sum of VmRSS, pages that several processes share counted for each; 0.0 where /proc is missing."""
    proportional_mb: float = 0.0
    """Highest sum of PSS, shared pages counted once."""


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="VIỆC")
    sound = what.add_parser("sound", help="xử lý một bản ghi dài, bên cạnh một lượt ffmpeg trơn")
    sound.add_argument(
        "--minutes", type=int, default=60, metavar="PHÚT", help="độ dài bản ghi (mặc định 60)"
    )
    sound.add_argument(
        "--file", type=Path, metavar="TỆP", help="dùng tệp ghi âm này thay cho bản ghi tự tạo"
    )
    what.add_parser("reading", help="đọc văn bản thành lời, bên cạnh một lượt re.sub trơn")
    bench_skew.arguments(what)
    bench_fleet.arguments(what)
    bench_schedule.arguments(what)
    bench_reports.arguments(what)
    bench_pages.arguments(what)


def run(parsed: argparse.Namespace) -> int:
    if parsed.what == "reading":
        return _reading()
    if parsed.what == "skew":
        return bench_skew.run(parsed)
    if parsed.what == "schedule":
        return bench_schedule.run(parsed)
    if parsed.what == "reports":
        return bench_reports.run(parsed)
    if parsed.what == "pages":
        return bench_pages.run(parsed)
    if parsed.what in ("fleet", "soak"):
        return bench_fleet.run(parsed)
    if not 1 <= parsed.minutes <= 240:
        raise ContentError(f"Không đo được {parsed.minutes} phút. Hãy chọn từ 1 đến 240.")
    if parsed.file and not parsed.file.is_file():
        raise ContentError(f"Không thấy tệp {parsed.file}. Hãy kiểm tra lại đường dẫn.")
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        return _sound(parsed.minutes, parsed.file, Path(folder))


def _sound(minutes: int, file: Path | None, folder: Path) -> int:
    measuring.say_load("Trước khi đo")
    source = file or _upload(folder, minutes)
    size = f"{source.stat().st_size / MEGABYTE:.1f} MB"
    print(
        f"Bản ghi: {source.name}, {size}" + ("" if file else f", {minutes} phút, MP3 128k hai kênh")
    )
    with measured() as ours:
        made = mastering.make(
            [mastering.Take(source=source)],
            folder / "recordings",
            voices=Registry([Espeak()]),
            chimes=True,
            max_seconds=240 * 60,
            work=folder / "work",
        )
    with measured() as plain:
        _plain_pass(source, folder / "plain.mp3")
    _print("Loa, từ tệp gửi lên đến bản ghi hoàn chỉnh", ours)
    _print("Một lượt ffmpeg trơn: giải mã, nén MP3 48k", plain)
    print(
        f"Tỉ lệ thời gian: {ours.seconds / plain.seconds:.2f}; CPU: {ours.cpu_seconds / plain.cpu_seconds:.2f}"
    )
    print(
        f"Bản ghi hoàn chỉnh: {made.ms / 1000:.1f} giây, {made.lufs:.1f} LUFS, {made.true_peak_db:.1f} dBTP"
    )
    measuring.say_load("Sau khi đo")
    return 0  # fmt: skip


def _print(name: str, cost: Cost) -> None:
    memory = (
        f"{cost.resident_mb:.0f} MB RSS, {cost.proportional_mb:.0f} MB PSS ở đỉnh, mọi tiến trình cộng lại"
        if cost.resident_mb
        else "bộ nhớ không đo được trên hệ điều hành này"
    )
    print(f"{name}: {cost.seconds:.1f} giây, CPU {cost.cpu_seconds:.1f} giây; {memory}", flush=True)


def _upload(folder: Path, minutes: int) -> Path:
    speech, upload = folder / "speech.wav", folder / "upload.mp3"
    Espeak().speak(reading.read(TEXT * 20).spoken, speech)
    sources = ["-stream_loop", "-1", "-i", str(speech), "-f", "lavfi", "-i", HISS]
    output = ["-t", str(minutes * 60), "-b:a", "128k", str(upload)]
    _ffmpeg([*sources, "-filter_complex", ROOM, *output])
    return upload


def _plain_pass(source: Path, out: Path) -> None:
    """What nobody can do with less: decode once, encode once, nothing measured, levelled or proven."""
    _ffmpeg(["-i", str(source), "-vn", "-ac", "1", "-ar", "24000", "-b:a", "48k", str(out)])


def _ffmpeg(options: list[str]) -> None:
    command = [transcode.find_ffmpeg(), "-nostdin", "-v", "error", *options]
    if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode != 0:
        raise ContentError("ffmpeg không chạy được việc đo. Hãy xem dòng báo lỗi ở trên.")


def _reading() -> int:
    text = TEXT * 8
    ours = _microseconds(lambda: reading.read(text), len(text))
    plain = _microseconds(lambda: re.sub(r"\d+", "số", text), len(text))
    print(f"Loa, reading.read: {ours:.1f} µs cho 1.000 ký tự ({ours * 3 / 1000:.2f} ms cho 3.000)")
    print(f"Một lượt re.sub trơn: {plain:.1f} µs cho 1.000 ký tự")
    print(f"Tỉ lệ: {ours / plain:.0f}")
    return 0


def _microseconds(work: Callable[[], object], characters: int) -> float:
    """The best of several turns, per 1,000 characters: what other programs take away is not ours."""
    work()
    best = float("inf")
    for _ in range(7):
        begun = time.perf_counter()
        for _ in range(10):
            work()
        best = min(best, (time.perf_counter() - begun) / 10)
    return best * 1e9 / characters


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """The cost of what is done within; complete afterwards."""
    cost, done = Cost(), threading.Event()
    watch = threading.Thread(target=_watch, args=(cost, done), name="bench-memory")
    begun, cpu = time.monotonic(), _cpu_seconds()
    watch.start()
    try:
        yield cost
    finally:
        done.set()
        watch.join()
        cost.seconds, cost.cpu_seconds = time.monotonic() - begun, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _watch(cost: Cost, done: threading.Event) -> None:
    while not done.wait(SAMPLING_SECONDS):
        found = [_memory(process) for process in _family(os.getpid())]
        cost.resident_mb = max(cost.resident_mb, sum(rss for rss, _ in found) / MEGABYTE)
        cost.proportional_mb = max(cost.proportional_mb, sum(pss for _, pss in found) / MEGABYTE)


def _family(process: int) -> set[int]:
    """The process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
    family = {process}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family  # fmt: skip


def _memory(process: int) -> tuple[int, int]:
    """RSS and PSS in bytes; nothing of one that has just ended."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        found = dict(re.findall(r"^(Rss|Pss): +(\d+) kB$", text, re.MULTILINE))
        return 1024 * int(found.get("Rss", 0)), 1024 * int(found.get("Pss", 0))
    return 0, 0
