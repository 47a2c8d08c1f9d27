from __future__ import annotations

from pathlib import Path

import pytest

from loa import config
from loa.config import Config, Secret
from loa.errors import ConfigError

FILE = Path("/etc/loa/config.toml")


def parse(text: str) -> Config:
    return config.parse(text.encode(), FILE)


def test_the_shipped_file_says_what_the_defaults_are() -> None:
    root = Path(__file__).parent.parent.parent
    lines = (root / "config.toml").read_text().splitlines()
    told = [
        line.lstrip("# ") if line.startswith("# ") and " = " in line else line for line in lines[1:]
    ]
    skipped = ("url =",)
    shipped = parse("\n".join(line for line in told if not line.startswith(skipped)))
    assert shipped == parse("")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[web]\nport = 'x'", "[web] port"),
        ("[web]\nport = 70000", "[web] port"),
        ("[web]\ncolour = 1", "colour"),
        ("[wep]\nport = 1", "wep"),
        ("[content]\nspeed = 300", "[content] speed"),
        ("[regulation]\nquiet = ['25:00-05:00']", "[regulation] quiet"),
        ("[station]\ntimezone = 'Mars/Olympus'", "Mars/Olympus"),
        ("[station]\ntimezone = '/etc/passwd'", "timezone"),
        ("[mqtt]\nbroker = 'external'", "url"),
        ("[mqtt]\nurl = 'http://x'", "http://x"),
        ("[mqtt]\nurl = 'mqtt://x:99999'", "mqtt://x:99999"),
        ("[map]\ntiles = 'https://x.vn/{z}/{x}.png'", "{x}.png"),
        ("[map]\ntiles = 'https://{s}.x.vn/{z}/{x}/{y}.png'", "{s}"),
        ('[map]\ntiles = "https://x.vn; script-src */{z}/{x}/{y}.png"', "script-src"),
        ("[map]\ntiles = '//x.vn/{z}/{x}/{y}.png'", "//x.vn"),
        ("[web\nport", "TOML"),
        ("folder = '/tmp'", "folder"),
    ],
)
def test_a_wrong_or_unknown_key_stops_the_start_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"Hãy|phải|Ví dụ|ví dụ") as caught:
        parse(text)
    assert words in caught.value.sentence
    assert str(FILE) in caught.value.sentence


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml"):
        config.load(tmp_path / "absent.toml")


def test_the_data_lie_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    assert config.load(file).data == tmp_path / "data"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ("127.0.0.1", 18830, False)),
        ("[mqtt]\nhost = '0.0.0.0'\nport = 1", ("127.0.0.1", 1, False)),
        ("[mqtt]\nurl = 'mqtts://m.vn'", ("m.vn", 8883, True)),
        ("[mqtt]\nurl = 'mqtt://m.vn:99'", ("m.vn", 99, False)),
    ],
)
def test_it_knows_where_the_broker_is(text: str, address: tuple[str, int, bool]) -> None:
    assert parse(text).broker_address == address


@pytest.mark.parametrize(
    ("tiles", "origin"),
    [
        ("", ""),
        ("/nen/{z}/{x}/{y}.png", ""),
        ("https://tile.example.vn/{z}/{x}/{y}.png?khoa=a1", "https://tile.example.vn"),
        ("http://10.0.0.5:8081/{z}/{y}/{x}", "http://10.0.0.5:8081"),
    ],
)
def test_it_knows_whose_pictures_the_map_may_load(tiles: str, origin: str) -> None:
    assert parse(f"[map]\ntiles = '{tiles}'").map.origin == origin


def test_a_secret_prints_as_stars() -> None:
    secret = Secret("tuyet-mat")
    assert "tuyet" not in f"{secret!r} {secret} {[secret]}"
    assert secret == "tuyet-mat"
