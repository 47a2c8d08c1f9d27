"""``loa broker``: files for a broker of one's own, certificates, and a check that the broker keeps to its rules."""

from __future__ import annotations

import argparse
from pathlib import Path

from devices import accounts, authority, canary, mosquitto
from devices.mosquitto import CERTIFICATE, KEY, SYSTEMD_FOLDER, Place
from loa import times
from loa.commands import common
from loa.config import ANY_ADDRESS, Config
from loa.database import Database
from loa.errors import DeviceError
from loa.station import broker_kind, write_broker_accounts
from loa.times import Instant

CONFIG = "loa.conf"


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="VIỆC")
    config = acts.add_parser(
        "config", help="ghi cấu hình, tài khoản và phân quyền cho một mosquitto riêng"
    )
    _add_folder(config)
    config.add_argument(
        "--at", type=Path, default=SYSTEMD_FOLDER, metavar="THƯ_MỤC",
        help=f"nơi các tệp sẽ nằm trên máy chạy mosquitto (mặc định {SYSTEMD_FOLDER})",
    )  # fmt: skip
    config.add_argument("--host", metavar="ĐỊA_CHỈ", help="địa chỉ mosquitto lắng nghe")
    config.add_argument("--port", type=int, metavar="CỔNG", help="cổng mosquitto lắng nghe")
    config.add_argument(
        "--plain", action="store_true", help="cho phép nghe trên mạng mà không mã hoá (đã có VPN)"
    )
    _add_folder(acts.add_parser("accounts", help="chỉ ghi lại tệp tài khoản"))
    common.add_config(acts.add_parser("check", help="thử xem broker có giữ đúng phân quyền không"))
    tls = acts.add_parser("tls", help="chứng chỉ của máy chủ MQTT")
    tls_acts = tls.add_subparsers(dest="tls_act", required=True, metavar="VIỆC")
    make = tls_acts.add_parser("make", help="tạo hoặc gia hạn chứng chỉ bằng CA của đài")
    common.add_config(make)
    for option, metavar in (("--name", "TÊN_MIỀN"), ("--ip", "ĐỊA_CHỈ")):
        make.add_argument(
            option, action="append", default=[], metavar=metavar,
            help="tên hay địa chỉ đầu thu dùng để kết nối; ghi được nhiều lần",
        )  # fmt: skip


def _add_folder(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--folder", type=Path, metavar="THƯ_MỤC", help="nơi ghi (mặc định: mosquitto trong thư mục dữ liệu)"
    )  # fmt: skip


def run(parsed: argparse.Namespace) -> int:
    config = common.load(parsed)
    if parsed.act == "config":
        return _config(config, parsed)
    if parsed.act == "accounts":
        return _accounts(config, parsed.folder)
    if parsed.act == "check":
        return _check(config)
    return _make(config, [*parsed.name, *parsed.ip], times.now())


# --- files of a broker of one's own --------------------------------------------------------------


def _config(config: Config, parsed: argparse.Namespace) -> int:
    folder = _folder(config, parsed.folder)
    tls = mosquitto.has_certificate(config.broker)
    mosquitto.check_certificate(config.broker)
    place = _place(config, parsed, tls)
    if not (tls or parsed.plain or mosquitto.is_loopback(place.host)):
        raise DeviceError(
            f"mosquitto sẽ nghe trên mạng ({place.host}) mà chưa có chứng chỉ, nên mật khẩu có thể bị nghe lén. Hãy "
            f"chạy “loa broker tls make --name TÊN” trước, hoặc chép {CERTIFICATE} và {KEY} vào {config.broker}; nếu "
            "đường truyền đã có VPN, thêm --plain.",
            field="host",
        )
    _write_accounts(config, folder)
    accounts.write(folder / accounts.ACL, accounts.acl_text(config.mqtt.username))
    accounts.write(folder / CONFIG, mosquitto.drop_in(place, len(accounts.read_accounts(folder))))
    for name in (CERTIFICATE, KEY) if tls else ():
        accounts.write(folder / name, (config.broker / name).read_text())
    _explain(config, folder, place)
    return 0


def _place(config: Config, parsed: argparse.Namespace, tls: bool) -> Place:
    port = config.broker_address[1] if config.mqtt.url else 8883 if tls else 1883
    host = parsed.host or ("0.0.0.0" if tls or parsed.plain else "127.0.0.1")  # noqa: S104 - as was asked
    return Place(parsed.at, host, port if parsed.port is None else parsed.port, tls)


def _accounts(config: Config, wanted: Path | None) -> int:
    folder = _folder(config, wanted)
    changed = _write_accounts(config, folder)
    count = len(accounts.read_accounts(folder))
    print(
        f"{folder / accounts.PASSWORDS}: {count} tài khoản{'' if changed else ', không có gì đổi'}."
    )
    if broker_kind(config) != "external":
        print("Broker do Loa chạy tự nhận tài khoản mới sau nửa giây.")
        return 0
    print("Chép tệp này sang máy chạy broker rồi cho nạp lại; đầu thu đang kết nối không bị rớt:")
    print(
        f"  sudo install -o mosquitto -g mosquitto -m 600 {folder / accounts.PASSWORDS} {SYSTEMD_FOLDER}/"
    )
    print("  sudo systemctl reload mosquitto")
    return 0


def _folder(config: Config, wanted: Path | None) -> Path:
    return (wanted or config.data / "mosquitto").resolve()


def _write_accounts(config: Config, folder: Path) -> bool:
    """From the database to our own folder, and from there to the one asked for; whether the latter changed."""
    database = Database(config.database_url)
    try:
        database.demand_current()
        write_broker_accounts(config, database)
    finally:
        database.close()
    return accounts.write(
        folder / accounts.PASSWORDS, (config.broker / accounts.PASSWORDS).read_text()
    )


def _explain(config: Config, folder: Path, place: Place) -> None:
    secret = [accounts.PASSWORDS, accounts.ACL, *([CERTIFICATE, KEY] if place.tls else [])]
    scheme = "mqtts" if place.tls else "mqtt"
    name = config.mqtt.advertise or ("TÊN-MÁY" if place.host in ANY_ADDRESS else place.host)
    url = config.mqtt.url or f"{scheme}://{name}:{place.port}"
    files = " ".join(str(folder / one) for one in secret)
    print(f"Đã ghi {CONFIG}, {', '.join(secret)} vào {folder}. Trên máy chạy mosquitto:")
    print(f"  sudo install -d -o mosquitto -g mosquitto -m 700 {place.folder}")
    print(f"  sudo install -o mosquitto -g mosquitto -m 600 {files} {place.folder}/")
    print(f"  sudo install -m 644 {folder / CONFIG} /etc/mosquitto/conf.d/")
    print("  sudo systemctl restart mosquitto")
    print("Trong config.toml của đài:")
    print(f'  [mqtt]\n  broker = "external"\n  url = "{url}"')
    if place.tls and (config.broker / authority.CA_CERTIFICATE).exists():
        print(f'  ca_file = "{_relative(config, config.broker / authority.CA_CERTIFICATE)}"')
    print("Rồi thử: loa broker check")
    print("Mỗi khi thêm hay ngừng đầu thu: loa broker accounts, chép lại tệp passwords, rồi")
    print("  sudo systemctl reload mosquitto       # không làm rớt đầu thu nào")
    print("Trên 900 đầu thu: sudo systemctl edit mosquitto, thêm [Service] LimitNOFILE=20000.")


# --- certificates --------------------------------------------------------------------------------


def _make(config: Config, wanted: list[str], now: Instant) -> int:
    names = wanted or authority.names_of_before(config) or [config.mqtt.advertise]
    names = [name for name in names if name]
    made = authority.make(config, names, now)
    print(f"Chứng chỉ cho {', '.join(made.names)}: dùng được tới {_day(config, made.server_ends)}.")
    print(f"CA của đài: dùng được tới {_day(config, made.authority_ends)}.")
    if not names:
        print(
            "Chưa có tên nào để đầu thu ở xa kết nối: chạy lại với --name TÊN_MIỀN hoặc --ip ĐỊA_CHỈ."
        )
    if not made.new_authority:
        print(
            "CA không đổi: không phải chép gì tới đầu thu. Broker do Loa chạy tự nhận chứng chỉ mới."
        )
        return 0
    ca = config.broker / authority.CA_CERTIFICATE
    print(
        f"Giữ kín và sao lưu {config.secrets / authority.CA_KEY}: ai có khoá này giả được broker."
    )
    print("Trong config.toml, rồi khởi động lại đài:")
    print(f'  [mqtt]\n  ca_file = "{_relative(config, ca)}"')
    if names:
        print(f'  host = "0.0.0.0"\n  port = 8883\n  advertise = "{made.names[0]}"')
    print(f"Chép {ca} vào thư mục của từng đầu thu, cạnh station.json.")
    return 0


def _day(config: Config, moment: Instant) -> str:
    return times.local(moment, config.zone).strftime("%d/%m/%Y")


def _relative(config: Config, path: Path) -> Path:
    folder = config.folder.resolve()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


# --- the check -----------------------------------------------------------------------------------


def _check(config: Config) -> int:
    embedded = broker_kind(config) == "embedded"
    findings = canary.check(config, times.now(), "3.1.1" if embedded else "5")
    for one in findings:
        print(f"{'✓' if one.ok else '✗'} {one.what}")
        if one.remedy:
            print(f"    → {one.remedy}")
    wrong = sum(not one.ok for one in findings)
    print(f"{wrong} điều cần sửa." if wrong else "Broker giữ đúng phân quyền.")
    return 1 if wrong else 0
