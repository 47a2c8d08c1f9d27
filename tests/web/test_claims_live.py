"""From the code to the tone somebody heard, on real parts: station, broker and receiver in processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.receiver import claiming, identity
from tests.house import ROOT, House
from tests.parts import need, wait_until
from tests.visitor import text_of

HERE = "/dau-thu/cho-nhan/1"
Start = Callable[[Path], None]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    need("mosquitto")
    made = House(tmp_path / "station", "mosquitto")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def start(house: House) -> Iterator[Start]:
    """Switch a receiver on; what was begun is ended."""
    running: list[subprocess.Popen[bytes]] = []

    def start(folder: Path) -> None:
        command = [sys.executable, "-m", "loa.cli", "receiver", "run", str(folder)]
        with (folder / "run.log").open("ab") as log:
            running.append(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=log)
            )

    yield start
    for each in running:
        each.terminate()
        each.wait(60)


def test_a_box_claims_its_place_and_is_heard(house: House, start: Start, tmp_path: Path) -> None:
    admin = house.visitor("quantri", house.admin_password)
    admin.send("/dia-ban/moi", level="xã", name="Mẫu", households=500)
    admin.send("/dau-thu/them", name="Cột chợ", serial="SN-001", area=1, volume=60, households=0)
    code = re.search(r'class="code"><code>([^<]+)', admin.page(HERE)).group(1)

    folder = tmp_path / "box"
    claimed = claiming.claim(house.base, "sn-001", code, folder, output="null")
    assert claimed.fingerprint in admin.page(HERE)
    start(folder)
    wait_until(lambda: "Đang trực tuyến" in admin.page(HERE), "the box to come online", 60)

    told = text_of(admin.page("/dau-thu/" + claimed.rid))
    assert "chưa nhận lượt phát nào" in told
    admin.send(HERE, to="/phat-thu")
    wait_until(lambda: "Tôi đã nghe thấy" in admin.page(HERE), "the tone to be proven", 60)
    told = text_of(admin.send(HERE, to="/nghe-thay").text)
    assert "Đã xác nhận “Cột chợ”" in told
    assert "chưa nhận lượt phát nào" not in text_of(admin.page("/dau-thu/" + claimed.rid))
    assert identity.load(folder).rid == claimed.rid
