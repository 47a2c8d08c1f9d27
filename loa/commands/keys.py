"""``loa keys``: the keys receivers obey — offline roots, what is in use, and new ones in time."""

from __future__ import annotations

import argparse
from pathlib import Path

from devices import keyring, rotation
from devices.messages import Keys
from loa import times
from loa.commands import common
from loa.config import Config
from loa.times import Instant

STATES = {
    "used": "đang dùng",
    "good": "còn dùng được",
    "early": "chưa tới hạn dùng",
    "over": "đã hết hạn",
    "missing": "không có phần bí mật trên máy này",
}
ROLES = {"plan": "lệnh phát", "emergency": "khẩn cấp"}


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="VIỆC")
    status = acts.add_parser("status", help="xem khoá đang dùng và hạn của từng khoá")
    common.add_config(status)
    root = acts.add_parser("root", help="khoá gốc, cất ngoài mạng")
    make = root.add_subparsers(dest="root_act", required=True, metavar="VIỆC").add_parser(
        "make", help="tạo khoá gốc vào một thư mục (ổ USB) và đặt khoá của đài dưới khoá gốc"
    )
    make.add_argument("folder", type=Path, metavar="THƯ_MỤC")
    make.add_argument("--count", type=int, default=2, metavar="N", help="số khoá gốc (mặc định 2)")
    _add_need(make, 1)
    common.add_config(make)
    _add_rotate(acts.add_parser("rotate", help="thay khoá ký lệnh phát, hoặc thu hồi khoá bị lộ"))


def _add_rotate(rotate: argparse.ArgumentParser) -> None:
    rotate.add_argument("--root", type=Path, nargs="+", required=True, metavar="TỆP")
    rotate.add_argument(
        "--days", type=int, default=rotation.DAYS, metavar="NGÀY", help="khoá mới dùng được bao lâu"
    )
    rotate.add_argument(
        "--overlap",
        type=int,
        default=rotation.OVERLAP_DAYS,
        metavar="NGÀY",
        help="khoá cũ còn dùng được bao lâu",
    )
    rotate.add_argument(
        "--revoke", nargs="+", default=[], metavar="MÃ_KHOÁ", help="thu hồi ngay những khoá này"
    )
    rotate.add_argument(
        "--new-root", type=Path, nargs="+", default=[], metavar="TỆP", help="thay cả bộ khoá gốc"
    )
    _add_need(rotate, None)
    common.add_config(rotate)


def _add_need(parser: argparse.ArgumentParser, default: int | None) -> None:
    parser.add_argument(
        "--need", type=int, default=default, metavar="N", help="số khoá gốc phải cùng ký"
    )


def run(parsed: argparse.Namespace) -> int:
    config, now = common.load(parsed), times.now()
    if parsed.act == "status":
        _show(config, now)
    elif parsed.act == "root":
        _make_roots(config, parsed, now)
    else:
        _rotate(config, parsed, now)
    return 0


def _make_roots(config: Config, parsed: argparse.Namespace, now: Instant) -> None:
    rotation.check_can_begin(config, parsed.need, parsed.count)
    paths = rotation.make_roots(parsed.folder, parsed.count)
    rotation.begin(config, [rotation.load_root(path) for path in paths], parsed.need, now)
    print("Đã tạo khoá gốc:", *(f"  {path}" for path in paths), sep="\n")
    print(
        "Hãy cất mỗi tệp vào một ổ USB riêng, để ở hai nơi khác nhau, rồi xoá khỏi máy này. "
        f"Cần {parsed.need} tệp mỗi khi thay khoá; mất hết thì phải cấp lại station.json cho từng đầu thu.\n"
        "Đầu thu đang chạy chỉ nhận khoá mới sau khi được cấp lại station.json một lần."
    )


def _rotate(config: Config, parsed: argparse.Namespace, now: Instant) -> None:
    made = rotation.rotate(
        config,
        [rotation.load_root(path) for path in parsed.root],
        now,
        days=parsed.days,
        overlap_days=parsed.overlap,
        revoke=parsed.revoke,
        new_roots=[rotation.load_root(path) for path in parsed.new_root],
        need=parsed.need,
    )
    print(f"Đã thay khoá, bản {made.kv}. Đài gửi cho đầu thu ngay khi có đường truyền.")
    _show(config, now)


def _show(config: Config, now: Instant) -> None:
    kept = keyring.published(config)
    if kept is None:
        print(
            "Đài chưa có khoá gốc: khoá ký lệnh phát không hết hạn và không thu hồi được khi bị lộ.\n"
            "Để thay khoá được về sau, hãy chạy: loa keys root make THƯ_MỤC"
        )
        return
    print(f"Bản {kept.kv}. Khoá gốc (cần {kept.need}): {_roots(kept)}")
    for one in keyring.standing(config, now):
        roles = ", ".join(ROLES[role] for role in one.roles if role in ROLES)
        until = f"{times.local(one.until, config.zone):%d/%m/%Y}"
        print(f"  {one.kid}  {roles}  đến {until}  {STATES[one.state]}")
    if warning := keyring.warning(config, now):
        print(warning)


def _roots(kept: Keys) -> str:
    return ", ".join(one.kid for one in kept.roots)
