"""``loa serve``: the whole station on one machine. The parts are processes, so none can take another down."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Literal

from devices import authority, canary
from loa import demo, logs, processes, times
from loa.commands import common
from loa.config import Config, reachable
from loa.database import Database
from loa.errors import LoaError
from loa.processes import Child
from loa.station import broker_kind, open_station, write_broker_accounts
from loa.systemd import Notifier
from web import serving

log = logging.getLogger(__name__)
CANARY_AFTER_SECONDS, CANARY_EVERY_SECONDS = 10.0, 86_400.0


def arguments(parser: argparse.ArgumentParser) -> None:
    common.add_config(parser)
    parser.add_argument(
        "--demo",
        action="store_true",
        help="nếu cơ sở dữ liệu còn trống: tạo một xã mẫu với đầu thu mô phỏng",
    )


def run(parsed: argparse.Namespace) -> int:
    logs.configure("serve")
    config = common.load(parsed)
    stop = threading.Event()
    processes.stop_on_signals(stop)
    _demand_free(config.web.host, config.web.port, "[web] port")
    kind = broker_kind(config)
    if kind != "external":
        _demand_free(config.mqtt.host, config.mqtt.port, "[mqtt] port")
    quiet = [demo.sample_quiet(times.now(), config)] if parsed.demo else None
    database = open_station(config, quiet)
    authority.renew(config, times.now())
    if parsed.demo:
        demo.make(config, database)
    children = _children(config, database, kind)
    for child in children:
        child.start()
    try:
        _welcome(config, kind)
        _serve_pages(config, database, children, kind, stop)
    finally:
        for child in reversed(children):
            child.stop()
        database.close()
    return 0


def _children(config: Config, database: Database, kind: str) -> list[Child]:
    me = [sys.executable, "-m", "loa.cli"]
    where = (
        ["--config", str(config.folder / "config.toml")]
        if (config.folder / "config.toml").exists()
        else []
    )
    children: list[Child] = []
    if kind != "external":
        write_broker_accounts(config, database)
        command = [sys.executable, "-m", "devices.broker", str(config.broker)]
        options = ["--host", config.mqtt.host, "--port", str(config.mqtt.port), "--kind", kind]
        children.append(Child("broker", [*command, *options], config.broker / "broker.log"))
    children.append(Child("run", [*me, "run", *where]))
    if demo.simulated_folder(config).exists():
        children.append(Child("simulate", [*me, "simulate", *where]))
    return children


def _serve_pages(
    config: Config,
    database: Database,
    children: Sequence[Child],
    kind: str,
    stop: threading.Event,
) -> None:
    """The pages run in this process; a thread beside them keeps the children alive."""

    notifier = Notifier()

    def keep_alive() -> None:
        while not stop.wait(1.0):
            notifier.beat()
            for child in children:
                try:
                    child.keep_alive()
                except OSError as error:
                    # No memory, or no room for the log: the next second tries again.
                    log.error("%s could not be started: %s", child.name, error)

    threading.Thread(target=keep_alive, name="keep-alive", daemon=True).start()
    if kind != "external":
        watch = threading.Thread(
            target=_watch_broker, args=(config, kind, stop), name="canary", daemon=True
        )
        watch.start()
    notifier.ready()
    serving.serve(config, database, stop, alone=True)
    notifier.stopping()


def _watch_broker(config: Config, kind: str, stop: threading.Event) -> None:
    """Try each day, as a stranger would, what the broker must refuse; renew its certificate in time."""
    wait = CANARY_AFTER_SECONDS
    while not stop.wait(wait):
        wait = CANARY_EVERY_SECONDS
        authority.renew(config, times.now())
        version: Literal["3.1.1", "5"] = "3.1.1" if kind == "embedded" else "5"
        for finding in canary.check(config, times.now(), version):
            if not finding.ok:
                log.error("%s %s", finding.what, finding.remedy)


def _welcome(config: Config, kind: str) -> None:
    print(
        f"Trang web: http://{reachable(config.web.host)}:{config.web.port}   (dừng: Ctrl-C)",
        flush=True,
    )
    if kind == "embedded":
        print(
            "Đang dùng máy chủ MQTT nhúng: chỉ để thử trên một máy. Khi phát thật hãy cài mosquitto.",
            flush=True,
        )


def _demand_free(host: str, port: int, key: str) -> None:
    """Say who is in the way before any part starts, rather than let it fail later."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LoaError(
                f"Không mở được cổng {host}:{port} ({error.strerror}). Có thể Loa hoặc chương trình khác đang dùng; "
                f"hãy tắt chương trình đó hoặc đổi {key} trong config.toml."
            ) from error
