"""The front door: ``loa COMMAND``. Exit codes: 0 done, 1 could not, 2 called wrongly, 130 interrupted."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import NoReturn

from loa.errors import LoaError

COMMANDS = {
    "init": "chuẩn bị thư mục dữ liệu và cơ sở dữ liệu, tạo quản trị đầu tiên",
    "serve": "chạy cả đài: trang web, bộ phát lịch và máy chủ MQTT",
    "web": "chỉ chạy trang web",
    "run": "chỉ chạy bộ phát lịch và đường truyền tới đầu thu",
    "receiver": "chạy một đầu thu, hoặc tạo khoá cho đầu thu mới",
    "simulate": "chạy các đầu thu mô phỏng",
    "speak": "đọc một đoạn văn bản thành tệp âm thanh",
    "reading": "cho xem một đoạn văn bản sẽ được đọc thành lời thế nào",
    "report": "báo cáo của một kỳ, hoặc nhật ký phát, ra tệp",
    "reports": "lập và gửi các báo cáo định kỳ đến hạn (đài tự chạy lệnh này)",
    "evidence": "xuất gói chứng cứ của một kỳ hoặc một chiến dịch",
    "verify": "kiểm một gói chứng cứ: điều gì được chứng minh, còn thiếu gì, gì đã bị thay đổi",
    "rollup": "tổng hợp số liệu các xã từ gói chứng cứ họ nộp",
    "archive": "lưu trữ các tháng cũ: xem, làm ngay, kiểm các tệp lưu trữ",
    "cap": "nhận một tin CAP 1.2 (tệp hoặc địa chỉ https) để chờ người duyệt",
    "staff": "xem các tài khoản, đặt mật khẩu mới cho người quên (kể cả quản trị)",
    "keys": "quản lý khoá ký lệnh phát",
    "conformance": "thử một đầu thu có theo đúng giao thức docs/protocol.md không",
    "broker": "cấu hình, chứng chỉ và kiểm tra máy chủ MQTT",
    "bench": "đo thời gian và bộ nhớ xử lý âm thanh, đọc văn bản trên máy này",
}
DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class Parser(argparse.ArgumentParser):
    """argparse, whose refusals are Vietnamese sentences."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"Lệnh chưa đúng: {message}. Xem “{self.prog} --help”.\n")


def main(argv: list[str] | None = None) -> int:
    """Run one command; every error a person can put right is one sentence on standard error."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = Parser(
        prog="loa", description="Loa: phát thanh theo lịch cho đài truyền thanh cấp xã."
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="LỆNH", parser_class=Parser
    )
    for name, help_text in COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=help_text)
        if arguments[:1] == [name]:
            importlib.import_module(f"loa.commands.{name}").arguments(command)
    parsed = parser.parse_args(arguments)
    try:
        return int(importlib.import_module(f"loa.commands.{parsed.command}").run(parsed))
    except LoaError as error:
        print(error.sentence, file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
