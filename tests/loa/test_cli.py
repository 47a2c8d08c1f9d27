from __future__ import annotations

import csv
import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loa import cli
from loa.config import Config
from loa.config import load as load_config
from loa.database import Database

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("[station]\nname = 'Đài thử'\n")
    return tmp_path


def station(here: Path) -> tuple[Config, Database]:
    config = load_config(here / "config.toml")
    return config, Database(config.database_url)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == cli.DONE
    assert cli.COMMANDS[command].split(",")[0] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["speak"], ["report", "--from", "hôm qua", "--to", "x", "-o", "y"]]
)
def test_a_wrong_call_is_a_sentence_and_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == cli.USAGE
    assert "Lệnh chưa đúng" in capsys.readouterr().err


def test_init_makes_an_admin_once_and_no_sample(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init"]) == 0
    assert "mật khẩu" in capsys.readouterr().out
    assert cli.main(["init"]) == 0
    assert "không tạo thêm" in capsys.readouterr().out
    _, database = station(here)
    with database.read() as session:
        counts = {
            table: session.connection().exec_driver_sql(f"select count(*) from {table}").scalar()  # noqa: S608
            for table in ("staff", "areas", "receivers", "bulletins", "schedules", "regulations")
        }
    database.close()
    assert counts == {
        "staff": 1,
        "areas": 0,
        "receivers": 0,
        "bulletins": 0,
        "schedules": 0,
        "regulations": 1,
    }


def test_secrets_are_for_their_owner_alone(here: Path) -> None:
    cli.main(["init"])
    secrets = here / "data" / "secrets"
    assert secrets.stat().st_mode & 0o077 == 0
    for path in secrets.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_wrong_config_is_a_sentence_and_code_1(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "config.toml").write_text("[web]\ncolour = 'red'\n")
    assert cli.main(["init"]) == cli.FAILED
    assert "colour" in capsys.readouterr().err


def test_a_report_before_init_says_what_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(["report", "--from", "2026-11-01", "--to", "2026-11-30", "-o", "x.csv"])
        == cli.FAILED
    )
    assert "loa init" in capsys.readouterr().err


def test_a_report_of_an_empty_month_is_its_heading(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["init"])
    assert cli.main(["report", "--from", "01/11/2026", "--to", "2026-11-30", "-o", "x.csv"]) == 0
    rows = list(csv.reader(io.StringIO((here / "x.csv").read_text(encoding="utf-8-sig"))))
    assert len(rows) == 1
    assert (
        cli.main(["report", "--from", "2026-11-30", "--to", "2026-11-01", "-o", "x.csv"])
        == cli.FAILED
    )
    assert (
        cli.main(["report", "--from", "2026-11-01", "--to", "2026-11-30", "-o", "no/such/x.csv"])
        == cli.FAILED
    )
    assert "no/such" in capsys.readouterr().err


def test_reading_prints_a_line_for_each_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["reading", "Họp lúc", "7h30"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("Quý III\n\nnăm 2026\n"))
    assert cli.main(["reading"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "bảy giờ ba mươi" in lines[0]
    assert (lines[1], lines[2]) == ("Quý ba", "")


def test_speak_makes_a_sound_and_refuses_what_it_cannot(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["speak", "Mời bà con họp thôn.", "-o", "a.mp3", "--no-chimes"]) == 0
    assert (here / "a.mp3").stat().st_size > 5_000
    assert cli.main(["speak", " ", "-o", "b.mp3"]) == cli.FAILED
    assert cli.main(["speak", "A", "-o", "b.mp3", "--speed", "500"]) == cli.FAILED
    assert cli.main(["speak", "A", "-o", "b.mp3", "--voice", "không-có"]) == cli.FAILED
    assert "không-có" in capsys.readouterr().err
    assert not (here / "b.mp3").exists()


def test_serve_says_which_port_is_taken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (here / "config.toml").write_text(f"[web]\nport = {taken.getsockname()[1]}\n")
        done = subprocess.run(
            [sys.executable, "-m", "loa.cli", "serve"],
            env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == cli.FAILED
    assert "[web] port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_receiver_needs_neither_the_web_nor_the_database(here: Path) -> None:
    """`loa receiver` on a small box: every library of the station is made unimportable first."""
    block = (
        "import sys\n"
        "for name in 'flask sqlalchemy alembic apscheduler pydub numpy waitress psycopg amqtt'.split():\n"
        "    sys.modules[name] = None\n"
        "from loa import cli\n"
        "sys.exit(cli.main(['receiver', 'init', 'box', '--id', 'cot-so-1', '--output', 'null']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", block],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Khoá công khai" in done.stdout
