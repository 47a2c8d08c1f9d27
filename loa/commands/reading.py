"""``loa reading``: how a text will be read out, one line of words per line of text."""

from __future__ import annotations

import argparse
import sys

from content import reading
from content.reading import Reading


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", nargs="*", metavar="VĂN_BẢN", help="văn bản; nếu bỏ trống thì đọc từ đầu vào chuẩn"
    )
    parser.add_argument(
        "--warnings",
        action="store_true",
        help="sau mỗi dòng, in các chỗ cần xem lại: viết, đọc, vì sao (cách nhau bằng dấu tab)",
    )


def run(parsed: argparse.Namespace) -> int:
    lines = [" ".join(parsed.text)] if parsed.text else (line.rstrip("\r\n") for line in sys.stdin)
    for line in lines:
        read = reading.read(line)
        print(read.spoken if parsed.text else read.spoken.replace("\n", " "))
        if parsed.warnings:
            _print_warnings(read)
        sys.stdout.flush()
    return 0


def _print_warnings(read: Reading) -> None:
    for span in read.warnings:
        cells = (span.written, span.spoken, span.warning or "")
        print("\t".join(" ".join(cell.split()) for cell in cells))
