"""``loa speak TEXT -o FILE``: a text as the sound receivers would be given."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from content import mastering, reading, voices
from content.mastering import Mastered, Speech
from loa.commands import common
from loa.config import Config
from loa.errors import ContentError


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "text", metavar="VĂN_BẢN", help="văn bản cần đọc; “-” để lấy từ đầu vào chuẩn"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="TỆP", help="tệp MP3 kết quả"
    )
    parser.add_argument(
        "--voice",
        metavar="GIỌNG",
        help="giọng đọc: espeak, gtts, piper, api (mặc định theo config.toml)",
    )
    parser.add_argument(
        "--speed", type=int, metavar="TỐC_ĐỘ", help="110–175 (mặc định theo config.toml)"
    )
    parser.add_argument("--no-chimes", action="store_true", help="không kèm nhạc hiệu đầu và cuối")


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    text = sys.stdin.read() if parsed.text == "-" else parsed.text
    speech = _speech(text, parsed.voice or "", parsed.speed or config.content.speed, config)
    with tempfile.TemporaryDirectory(prefix="loa-") as folder:
        made = _made(speech, Path(folder), config, chimes=not parsed.no_chimes)
        try:
            shutil.copyfile(made.path, parsed.output)
        except OSError as error:
            raise ContentError(f"Không ghi được tệp {parsed.output}: {error.strerror}.") from error
    for note in made.notes:
        print(f"Lưu ý: {note}", file=sys.stderr)
    print(
        f"{parsed.output}: {made.ms / 1000:.1f} giây, {made.lufs:.1f} LUFS, "
        f"giọng {made.voice}, sha256 {made.sha256}"
    )
    return 0


def _speech(text: str, voice: str, speed: int, config: Config) -> Speech:
    if not text.strip():
        raise ContentError("Văn bản trống, không có gì để đọc.")
    if len(text) > config.content.max_characters:
        raise ContentError(
            f"Văn bản dài {len(text)} ký tự; tối đa {config.content.max_characters}."
        )
    if not 110 <= speed <= 175:
        raise ContentError(f"Tốc độ đọc {speed} nằm ngoài khoảng 110–175.")
    if voice:
        voices.registry(config).get(voice)  # a name mistyped is refused, not replaced
    return Speech(spoken=reading.read(text).spoken, voice=voice, speed=speed)


def _made(speech: Speech, folder: Path, config: Config, *, chimes: bool) -> Mastered:
    return mastering.make(
        [speech],
        folder / "made",
        voices=voices.registry(config),
        chimes=chimes,
        highpass_hz=config.content.highpass_hz,
        max_seconds=config.content.max_minutes * 60,
        work=folder / "work",
    )
