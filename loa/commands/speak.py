"""``loa speak TEXT -o FILE``: a text as the sound receivers would be given."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from content import mastering, reading
from loa.commands import common
from loa.errors import ContentError


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "text", metavar="VĂN_BẢN", help="văn bản cần đọc; “-” để lấy từ đầu vào chuẩn"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="TỆP", help="tệp MP3 kết quả"
    )
    parser.add_argument("--voice", metavar="GIỌNG", help="giọng đọc (mặc định theo config.toml)")
    parser.add_argument(
        "--speed", type=int, metavar="TỐC_ĐỘ", help="110–175 (mặc định theo config.toml)"
    )
    parser.add_argument("--no-chimes", action="store_true", help="không kèm nhạc hiệu đầu và cuối")


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    text = sys.stdin.read() if parsed.text == "-" else parsed.text
    if not text.strip():
        raise ContentError("Văn bản trống, không có gì để đọc.")
    if len(text) > config.content.max_characters:
        raise ContentError(
            f"Văn bản dài {len(text)} ký tự; tối đa {config.content.max_characters}."
        )
    speed = parsed.speed or config.content.speed
    if not 110 <= speed <= 175:
        raise ContentError(f"Tốc độ đọc {speed} nằm ngoài khoảng 110–175.")
    with tempfile.TemporaryDirectory(prefix="loa-") as folder:
        made = mastering.from_text(
            reading.read(text).spoken, Path(folder) / "made", voice=parsed.voice or config.content.voice,
            speed=speed, chimes=not parsed.no_chimes, work=Path(folder) / "work",
        )  # fmt: skip
        try:
            shutil.copyfile(made.path, parsed.output)
        except OSError as error:
            raise ContentError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    print(f"{parsed.output}: {made.ms / 1000:.1f} giây, {made.lufs:.1f} LUFS, sha256 {made.sha256}")
    return 0
