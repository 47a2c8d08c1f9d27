"""``loa init``: prepare the data folder and the database, and make the first admin."""

from __future__ import annotations

import argparse

from loa import staff, times
from loa.commands import common
from loa.staff import Role
from loa.station import open_station


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--admin", default="quantri", metavar="TÊN", help="tên đăng nhập của quản trị đầu tiên"
    )


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    database = open_station(config)
    print(f"Đài “{config.station.name}” đã sẵn sàng. Dữ liệu nằm trong {config.data}.")
    with database.write() as session:
        if staff.everyone(session):
            print("Đã có cán bộ trong hệ thống nên không tạo thêm quản trị.")
            return 0
        password = staff.new_password()
        staff.add(
            session,
            login=parsed.admin,
            name="Quản trị",
            role=Role.ADMIN,
            password=password,
            now=times.now(),
        )
    print(f"Quản trị đầu tiên: {parsed.admin}   mật khẩu: {password}")
    print("Mật khẩu chỉ in ra một lần; hãy ghi lại và đổi sau khi đăng nhập.")
    print("Bước tiếp theo: chạy “loa serve”, mở trang web, thêm địa bàn, đầu thu và cán bộ.")
    return 0
