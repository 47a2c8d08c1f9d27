"""An upper station on this machine alone: what it sends, and when it falls silent, the test says."""

from __future__ import annotations

import contextlib
import functools
import http.server
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg

from tests.devices.receiver_rig import tone


@dataclass
class Answer:
    body: bytes = b""
    type: str = "audio/mpeg"
    status: int = 200
    location: str = ""
    endless: bool = False
    """The body again and again, until the listener leaves or ``cut``."""
    pace: float = 0.05
    """Seconds from one body to the next."""


@dataclass
class Upper:
    port: int
    answers: dict[str, Answer | Callable[[], Answer]]
    asked: list[str] = field(default_factory=list)
    cut: threading.Event = field(default_factory=threading.Event)
    """The stream breaks off, and is not there when it is asked for again."""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, path: str) -> Answer:
        found = self.answers.get(path, Answer(status=404))
        found = found() if callable(found) else found
        return Answer(status=503) if found.endless and self.cut.is_set() else found


@contextlib.contextmanager
def on_air(answers: dict[str, Answer | Callable[[], Answer]]) -> Iterator[Upper]:
    upper: Upper

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            upper.asked.append(self.path)
            answer = upper.answer(self.path)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            if answer.location:
                self.send_header("Location", answer.location)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(answer.body)
                # Faster than it is heard, but not so fast that minutes of it wait in the sockets when it is cut.
                while answer.endless and not upper.cut.wait(answer.pace):
                    self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        upper = Upper(server.server_port, answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield upper
        finally:
            upper.cut.set()
            server.shutdown()
            thread.join()


@functools.cache
def segments(count: int = 4) -> tuple[bytes, ...]:
    """AAC in MPEG-TS, a second each, as an HLS packager cuts it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "tone.mp3"
        source.write_bytes(tone(count, 500))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(source), "-c:a", "aac"]
        command += ["-f", "hls", "-hls_time", "1", "-hls_list_size", "0"]
        subprocess.run([*command, f"{folder}/list.m3u8"], check=True)
        files = sorted(Path(folder).glob("*.ts"), key=lambda file: int(file.stem[4:]))
        return tuple(file.read_bytes() for file in files)


def playlist(first: int, names: list[str], *more: str) -> Answer:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}", *more]
    lines += [line for name in names for line in ("#EXTINF:1.0,", name)]
    return Answer("\n".join(lines).encode(), "application/vnd.apple.mpegurl")
