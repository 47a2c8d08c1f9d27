"""``loa receiver``: the reference receiver, on the machine that drives the loudspeakers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from devices.receiver import claiming, command
from loa import logs

OUTPUTS = ("null", "wav", "system")


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="VIỆC")
    init = acts.add_parser("init", help="tạo khoá cho đầu thu mới và in khoá công khai")
    init.add_argument("folder", type=Path, metavar="THƯ_MỤC")
    init.add_argument(
        "--id",
        required=True,
        metavar="MÃ",
        help="mã đầu thu: 4–32 chữ thường không dấu, số, gạch nối",
    )
    init.add_argument(
        "--output", choices=OUTPUTS, default="system", help="đường ra âm thanh (mặc định system)"
    )
    claim = acts.add_parser("claim", help="nhận mã một lần của đài: tạo khoá, lấy station.json")
    claim.add_argument(
        "url", metavar="ĐỊA_CHỈ", help="địa chỉ trang của đài, ví dụ http://10.0.0.5:8080"
    )
    claim.add_argument(
        "--serial", required=True, metavar="SỐ_MÁY", help="như trang Thêm đầu thu ghi"
    )
    claim.add_argument("--code", required=True, metavar="MÃ", help="mã một lần, dạng ABCD-EFGH")
    claim.add_argument(
        "--folder", type=Path, default=Path(), metavar="THƯ_MỤC", help="thư mục mới của đầu thu"
    )
    claim.add_argument(
        "--output", choices=OUTPUTS, default="system", help="đường ra âm thanh (mặc định system)"
    )
    claim.add_argument(
        "--ca-file", default="", metavar="TỆP", help="chứng chỉ CA, khi trang của đài dùng CA riêng"
    )
    run = acts.add_parser("run", help="chạy đầu thu; thư mục cần có station.json do đài cấp")
    run.add_argument("folder", type=Path, metavar="THƯ_MỤC")
    run.add_argument("--output", choices=OUTPUTS, help="dùng đường ra khác với lúc init")
    play = acts.add_parser(
        "play-canned", help="phát ngay một âm thanh khẩn cấp lưu sẵn trên đầu thu đang chạy"
    )
    play.add_argument("number", type=int, metavar="SỐ", help="số của âm thanh, từ 1 đến 99")
    stop = acts.add_parser("stop-canned", help="dừng âm thanh lưu sẵn đang phát")
    tone = acts.add_parser("tone", help="phát tiếng thử loa trên đầu thu đang chạy")
    for act in (play, stop, tone):
        act.add_argument(
            "--folder", type=Path, default=Path(), metavar="THƯ_MỤC", help="thư mục của đầu thu"
        )


def run(parsed: argparse.Namespace) -> int:
    if parsed.act == "init":
        public_key = command.init(parsed.folder, parsed.id, parsed.output)
        print(f"Mã đầu thu:      {parsed.id}\nKhoá công khai:  {public_key}")
        print(
            "Nhập hai dòng trên vào trang Đầu thu của đài, tải tệp station.json về thư mục này, rồi chạy: "
            f"loa receiver run {parsed.folder}"
        )
        return 0
    if parsed.act == "claim":
        return _claim(parsed)
    if parsed.act in ("play-canned", "tone", "stop-canned"):
        return _tell(parsed)
    logs.configure("receiver")
    command.run(parsed.folder, parsed.output)
    return 0


def _claim(parsed: argparse.Namespace) -> int:
    if claiming.is_open(parsed.url):
        print(
            "Lưu ý: địa chỉ http không mã hoá. Câu trả lời của đài vẫn được niêm phong bằng mã một lần, nhưng người "
            "khác trên mạng có thể cản việc này; khi có thể hãy dùng địa chỉ https.",
            file=sys.stderr,
        )
    claimed = claiming.claim(
        parsed.url, parsed.serial, parsed.code, parsed.folder, output=parsed.output, ca_file=parsed.ca_file
    )  # fmt: skip
    print(
        f"Đài đã nhận máy này làm đầu thu “{claimed.rid}”, dấu vân tay khoá {claimed.fingerprint}.\n"
        f"Khoá riêng nằm ở {parsed.folder / 'receiver.key'} và không rời máy này.\n"
        f"Bây giờ hãy chạy: loa receiver run {parsed.folder}\n"
        "rồi trên trang của đài bấm “Phát âm thử” và đứng nghe ở loa."
    )
    return 0


def _tell(parsed: argparse.Namespace) -> int:
    if parsed.act == "stop-canned":
        command.stop_canned(parsed.folder)
        print("Đã dừng.")
        return 0
    command.play_canned(parsed.folder, parsed.number if parsed.act == "play-canned" else 0)
    print("Đang phát.")
    return 0
