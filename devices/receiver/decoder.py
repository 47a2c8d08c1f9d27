"""A stranger's sound is decoded in a child: bytes in, samples out; no file, no net, little memory, never outliving us.

ffmpeg decodes all there is; where it is missing, the MP3 decoder of miniaudio, run in a child too (mp3_child.py).
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from devices.receiver.outputs import RATE
from devices.receiver.streams import Refused

MEMORY_BYTES = 1 << 30
"""Of address space; what is in use is some 30 MB."""
FILES = 32
CODECS = "mp3,mp3float,aac,aac_fixed,aac_latm,vorbis,libvorbis,opus,libopus,flac,mp2,mp2float"
FORMATS = "mp3,aac,ogg,mpegts,mov"


class Decoder:
    """A running child. ``close`` may be called from any thread, ``feed`` and ``read`` each from one."""

    def __init__(self, kind: str, ffmpeg: str | None) -> None:
        """``kind`` as in streams.Chunk; ``ffmpeg``: a whole path or None. Raises Refused or OSError."""
        self._process = subprocess.Popen(
            _confined(_command(kind, ffmpeg)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C"},
            start_new_session=True,
            bufsize=0,
        )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def feed(self, data: bytes) -> None:
        """Hand it bytes; waits until it takes them. Raises OSError when it has ended."""
        pipe = cast("IO[bytes]", self._process.stdin)
        while data:
            data = data[pipe.write(data) :]

    def finish(self) -> None:
        """There is no more."""
        with contextlib.suppress(OSError):
            cast("IO[bytes]", self._process.stdin).close()

    def read(self, most: int) -> bytes:
        """Samples, as soon as there are any; empty when it has ended."""
        return cast("IO[bytes]", self._process.stdout).read(most)

    def close(self) -> None:
        """End it, at once."""
        self._process.kill()

    def bury(self) -> None:
        """After its last sample; whoever feeds it closes the other end."""
        self._process.kill()
        cast("IO[bytes]", self._process.stdout).close()
        self._process.wait()


def find_ffmpeg() -> str | None:
    """The ffmpeg on PATH, if there is one."""
    return shutil.which("ffmpeg")


def _command(kind: str, ffmpeg: str | None) -> list[str]:
    if ffmpeg:
        sound_only = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-ac", "1", "-ar", str(RATE)]
        return [
            ffmpeg, "-v", "error", "-fflags", "nobuffer", "-analyzeduration", "1000000",
            "-protocol_whitelist", "pipe", "-format_whitelist", FORMATS, "-codec_whitelist", CODECS,
            "-f", kind, "-i", "pipe:0", *sound_only, "-flush_packets", "1", "-f", "s16le", "pipe:1",
        ]  # fmt: skip
    if kind != "mp3":
        raise Refused("no_ffmpeg")
    return [sys.executable, "-I", str(Path(__file__).with_name("mp3_child.py")), str(RATE)]


def _confined(command: Sequence[str]) -> list[str]:
    """With limits of memory and files in front, and no new rights. Raises Refused where that cannot be had."""
    prlimit, setpriv = shutil.which("prlimit"), shutil.which("setpriv")
    if not (prlimit and setpriv):
        raise Refused("no_prlimit")  # both come with util-linux
    limits = [f"--as={MEMORY_BYTES}", f"--nofile={FILES}", "--fsize=0", "--core=0"]
    return [prlimit, *limits, "--", setpriv, "--no-new-privs", "--pdeathsig", "KILL", *command]
