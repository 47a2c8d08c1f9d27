"""The measurements run, and measure something; what they find is for people to judge."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loa.commands import bench
from loa.errors import ContentError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    bench.arguments(parser)
    return bench.run(parser.parse_args(arguments))


def test_it_measures_the_sound_beside_a_plain_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sound", "--minutes", "1") == 0
    said = capsys.readouterr().out
    assert "1 phút, MP3 128k hai kênh" in said
    times = [float(value) for value in re.findall(r": ([\d.]+) giây, CPU", said)]
    assert len(times) == 2
    assert min(times) > 0
    assert re.search(r"Bản ghi hoàn chỉnh: 67\.\d giây, -1[56]\.\d LUFS", said)


def test_it_measures_a_recording_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench._upload(tmp_path, 1).rename(tmp_path / "own.mp3")
    assert run("sound", "--file", str(tmp_path / "own.mp3")) == 0
    assert "own.mp3" in capsys.readouterr().out
    with pytest.raises(ContentError, match="Hãy kiểm tra lại đường dẫn"):
        run("sound", "--file", str(tmp_path / "absent.mp3"))


def test_it_refuses_a_length_of_nothing() -> None:
    with pytest.raises(ContentError, match="từ 1 đến 240"):
        run("sound", "--minutes", "0")


def test_it_measures_the_reading_beside_a_plain_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reading") == 0
    figures = re.findall(r": ([\d.]+) µs", capsys.readouterr().out)
    assert len(figures) == 2
    assert all(float(figure) > 0 for figure in figures)


def test_it_counts_the_memory_of_children_too() -> None:
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("needs /proc")
    hold = "block = bytearray(80_000_000); input()"
    with bench.measured() as cost:
        child = subprocess.Popen(
            [sys.executable, "-c", hold + "; print(len(block))"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            while bench._memory(child.pid)[0] < 80_000_000:
                assert child.poll() is None
            alone = bench._memory(os.getpid())[0] / bench.MEGABYTE
            while cost.resident_mb < alone + 70:  # until the watch has looked in
                assert child.poll() is None
        finally:
            child.communicate(b"\n")
    assert cost.proportional_mb > 80
    assert cost.cpu_seconds > 0
