"""``loa reading``: how a text will be read out, one line of words per line of text."""

from __future__ import annotations

import argparse
import sys

from content import reading


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", nargs="*", metavar="VĂN_BẢN", help="văn bản; nếu bỏ trống thì đọc từ đầu vào chuẩn"
    )


def run(parsed: argparse.Namespace) -> int:
    if parsed.text:
        print(reading.read(" ".join(parsed.text)).spoken)
        return 0
    for line in sys.stdin:
        print(reading.read(line.rstrip("\r\n")).spoken.replace("\n", " "), flush=True)
    return 0
