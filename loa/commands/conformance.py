"""``loa conformance``: does a receiver keep to docs/protocol.md?"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from devices.conformance import catalogue, trial
from devices.conformance.clauses import Result
from devices.conformance.running import Report
from loa import logs
from loa.errors import DeviceError

MARKS = {"passed": "✓", "failed": "✗", "not tested": "–"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="máy chủ MQTT mà một đầu thu trong mạng đang nối tới: mqtt[s]://tên:mật-khẩu@máy:cổng"
    )  # fmt: skip
    parser.add_argument(
        "--receiver",
        metavar="LỆNH",
        help="chương trình đầu thu, được gọi với một thư mục ở cuối lệnh",
    )
    parser.add_argument("--rid", metavar="MÃ", help="với URL: mã của đầu thu")
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="THƯ_MỤC",
        help="với URL: thư mục giữ khoá dùng để thử, được tạo nếu chưa có, cùng station.json cho đầu thu",
    )
    parser.add_argument(
        "--by-hand",
        action="store_true",
        help="với URL: có người đứng cạnh rút điện và cấp điện khi được nhắc",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="ĐIỀU",
        help="chỉ thử các điều khoản này, hoặc cả nhóm (vd. plan)",
    )
    parser.add_argument("--list", action="store_true", help="in các điều khoản rồi thôi")
    parser.add_argument("--json", type=Path, metavar="TỆP", help="ghi kết quả ra tệp JSON")
    parser.add_argument(
        "--wav", action="store_true", help="đầu thu ghi tệp WAV, để đo cả độ dài âm thanh"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=1.0,
        metavar="LẦN",
        help="trên máy đang bận: chờ lâu gấp mấy lần bình thường (với --receiver; mặc định 1)",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="THƯ_MỤC", help="giữ lại thư mục của các đầu thu"
    )


def run(parsed: argparse.Namespace) -> int:
    if parsed.list:
        _list()
        return 0
    if bool(parsed.url) == bool(parsed.receiver):
        raise DeviceError(
            "Hãy cho biết đầu thu cần thử: --receiver LỆNH cho một chương trình, hoặc URL cho một máy trong mạng."
        )
    logs.configure("conformance")
    report = _box(parsed) if parsed.url else _program(parsed)
    _print(report)
    if parsed.json:
        parsed.json.write_text(report.as_json() + "\n", encoding="utf-8")
    return 0 if report.holds else 1


def _list() -> None:
    for one in catalogue.clauses():
        print(f"{one.id:22} {one.level:4}  {one.says}  [{one.section}]")


def _program(parsed: argparse.Namespace) -> Report:
    with _folder(parsed.keep) as folder:
        return trial.of_program(
            parsed.receiver,
            folder,
            catalogue.chosen(parsed.only),
            _tell,
            wav=parsed.wav,
            patience=parsed.patience,
        )


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="loa-conformance-") as name:
            yield Path(name)
        return
    if keep.exists() and any(keep.iterdir()):
        raise DeviceError(f"Thư mục {keep} không trống. Hãy chọn một thư mục mới.", field="keep")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def _box(parsed: argparse.Namespace) -> Report:
    if not parsed.rid or not parsed.keys:
        raise DeviceError("Với URL cần cả --rid MÃ và --keys THƯ_MỤC.", field="rid")
    box = trial.Box(parsed.url, parsed.rid, parsed.keys)
    box.prepare()
    ask = _ask if parsed.by_hand else None
    return trial.of_box(box, catalogue.chosen(parsed.only), _tell, ask)


def _ask(wish: str) -> None:
    input(f"{wish}, rồi nhấn Enter… ")


def _tell(result: Result) -> None:
    print(
        f"{MARKS[result.verdict]} {result.clause.id:22} {result.verdict:10}  {result.seen}",
        flush=True,
    )


def _print(report: Report) -> None:
    print()
    broken = [one for one in report.results if one.verdict == "failed"]
    for one in broken:
        print(
            f"{one.clause.id} ({one.clause.level}, {one.clause.section}): {one.clause.says}\n    {one.seen}"
        )
    counts = (
        f"{report.count(verdict, must=True)} MUST, {report.count(verdict, must=False)} MAY {verdict}"
        for verdict in MARKS
    )
    print(f"{report.subject}: {'; '.join(counts)}; {report.seconds:.0f} s, broker {report.broker}")
