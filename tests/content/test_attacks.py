"""What people should not send, and what reaches a station broken: refused or handled, in a sentence.

ffmpeg opens the file it was given and no other, and no socket: seen by strace, or where it is missing or
may not trace, by watching the files the child holds open.
"""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import socket
import subprocess
import threading
import wave
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from content import confined, mastering, transcode
from content.voices.base import Registry
from content.voices.espeak import Espeak
from loa.errors import ContentError

NEWS = "Ủy ban nhân dân xã thông báo: sáng mai bà con tập trung tại nhà văn hóa để tiêm phòng."


def ffmpeg(*arguments: object) -> None:
    """Make an input, with the ffmpeg that has every encoder; what is tested may run another one."""
    command = [transcode.imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=60)


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 5 s of speech."""
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    Espeak().speak(NEWS, path)
    return path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server of this machine that must never be asked anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def make(source: Path, folder: Path, **options: int) -> mastering.Mastered:
    return mastering.make(
        [mastering.Take(source=source)],
        folder / "recordings",
        voices=Registry([Espeak()]),
        chimes=False,
        work=folder / "work",
        **options,
    )


# Files that name other files and addresses


def naming(folder: Path, decoy: Path, port: int) -> dict[str, Path]:
    """Texts and containers that name ``decoy`` or a port of this machine, all named like recordings."""
    url = f"http://127.0.0.1:{port}/a.mp3"
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\n"
    texts = {
        "ffconcat": f"ffconcat version 1.0\nfile {decoy.name}\n",
        "ffconcat-absolute": f"ffconcat version 1.0\nfile '{decoy}'\n",
        "ffconcat-http": f"ffconcat version 1.0\nfile '{url}'\n",
        "hls": f"{head}{decoy.name}\n#EXT-X-ENDLIST\n",
        "hls-absolute": f"{head}file://{decoy}\n#EXT-X-ENDLIST\n",
        "hls-http": f"{head}{url}\n#EXT-X-ENDLIST\n",
        "hls-key": f'{head}#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n{decoy.name}\n#EXT-X-ENDLIST\n',
        "playlist": f"[playlist]\nFile1={url}\nNumberOfEntries=1\n",
        "asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        f"<AdaptationSet><Representation><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio {port} RTP/AVP 0\n",
        "smil": f'<smil><body><audio src="{url}"/></body></smil>',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{decoy}"/></svg>',
        "cue": f'FILE "{decoy.name}" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n',
        "protocol": f"concat:{decoy}|{decoy}",
        "subfile": f"subfile,,start,0,end,0,,:{decoy}",
    }
    files = {name: folder / f"{name}.mp3" for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    files["m3u8"] = folder / "list.m3u8"
    files["m3u8"].write_text(texts["hls"])
    files["named"] = folder / "-i http:%2F%2F127.0.0.1 -f lavfi.mp3"
    files["named"].write_text(texts["ffconcat"])
    return files


def test_it_opens_no_second_file_and_no_socket(
    speech: Path, tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoy = shutil.copy(speech, tmp_path / "decoy.wav")
    hostile = naming(tmp_path, decoy, listener.getsockname()[1])
    for name, source in hostile.items():
        print("trying", name)
        with watched(monkeypatch, tmp_path) as seen, pytest.raises(ContentError, match="Hãy "):
            transcode.decode_to_wav(source, tmp_path / "out.wav", max_seconds=60)
        assert seen.strange(source, tmp_path / "out.wav") == set(), name
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_it_opens_only_the_recording_and_what_it_makes(
    speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg("-i", speech, "-ac", "2", tmp_path / "upload.m4a")
    with watched(monkeypatch, tmp_path) as seen:
        made = make(tmp_path / "upload.m4a", tmp_path)
    assert made.ms > 3000
    ours = {str(path) for path in seen.paths if str(path).startswith(str(tmp_path))}
    names = {re.sub(r"^.*/(master|level)-\w+/", "", path) for path in ours}
    assert str(tmp_path / "upload.m4a") in ours
    assert names >= {"raw.wav", "part-1.wav", "joined.wav", "done.mp3"} or not STRACE
    assert seen.strange(*(Path(path) for path in ours)) == set()


def test_the_watch_sees_what_a_careless_call_opens(
    speech: Path, tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same watch over ffmpeg without our list of formats: a test that finds nothing proves nothing."""
    # As long as an hour: the watch looks in many times a second, and must meet it open.
    ffmpeg("-stream_loop", "-1", "-i", speech, "-t", "600", tmp_path / "decoy.wav")
    files = naming(tmp_path, tmp_path / "decoy.wav", listener.getsockname()[1])
    careless = [transcode.find_ffmpeg(), "-nostdin", "-v", "error"]
    null = ["-f", "null", "-"]
    with watched(monkeypatch, tmp_path) as seen:
        source = ["-f", "concat", "-safe", "0", "-i", str(files["ffconcat-absolute"])]
        confined.run(seen.wrap([*careless, *source, *null]), lambda chunk: None, 30)
    assert str(tmp_path / "decoy.wav") in seen.strange(files["ffconcat-absolute"])
    with watched(monkeypatch, tmp_path) as seen:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.mp3"
        source = ["-rw_timeout", "1000000", "-i", url]
        confined.run(seen.wrap([*careless, *source, *null]), lambda chunk: None, 30)
    assert any("socket" in path for path in seen.strange(files["hls"]))


SYSTEM = re.compile(
    r"^(/usr)?/lib|^/etc/ld\.so|^/proc/|^/sys/|^/dev/null$|/locale|^/opt/.*/lib/|\.so[.\d]*$"
)
"""What any program opens: its libraries and what the kernel says of itself."""


class Seen:
    """What a child was seen to open; a socket is noted as one."""

    def __init__(self, log: Path | None) -> None:
        self.log, self._held = log, set[str]()

    def wrap(self, command: list[str]) -> list[str]:
        """The command, traced where that is possible."""
        if self.log is None:
            return command
        calls = "trace=open,openat,openat2,creat,socket,connect"
        return [STRACE, "-f", "-A", "-qq", "-e", "signal=none", "-s", "500", "-e", calls,
                "-o", str(self.log), *command]  # fmt: skip

    def hold(self, path: str) -> None:
        self._held.add(path)

    @property
    def paths(self) -> set[str]:
        if self.log is None:
            return self._held
        traced = self.log.read_text() if self.log.exists() else ""
        files = re.findall(r'\bopen\w*\((?:AT_FDCWD, )?"([^"]*)".*\) = \d', traced)
        return {*files, *re.findall(r"\b(?:socket|connect)\([^)]*\)", traced)}

    def strange(self, *known: Path) -> set[str]:
        """What is neither ``known`` nor a part of the system."""
        names = {transcode.find_ffmpeg(), *(str(path.resolve()) for path in known)}
        return {path for path in self.paths if path not in names and not SYSTEM.search(path)}


def _strace() -> str:
    """The program strace, if it is there and allowed to trace."""
    found = shutil.which("strace")
    if not found:
        return ""
    tried = subprocess.run([found, "-f", "true"], capture_output=True, check=False, timeout=30)
    return found if tried.returncode == 0 else ""


STRACE = _strace()


@contextlib.contextmanager
def watched(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Seen]:
    """Watch every child that ``confined`` starts."""
    if not STRACE and not Path("/proc/self/fd").exists():
        pytest.skip("needs strace or /proc")
    seen = Seen(folder / "strace.log" if STRACE else None)
    if seen.log:
        seen.log.unlink(missing_ok=True)
    limited, start = confined.limited, subprocess.Popen

    def starting(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        child = start(*arguments, **options)
        if not STRACE:
            threading.Thread(target=_watch, args=(child, seen), daemon=True).start()
        return child

    with monkeypatch.context() as patch:
        patch.setattr(
            confined, "limited", lambda command, **limits: seen.wrap(limited(command, **limits))
        )
        patch.setattr(confined.subprocess, "Popen", starting)
        yield seen


def _watch(child: subprocess.Popen[bytes], seen: Seen) -> None:
    process, program = Path(f"/proc/{child.pid}"), Path(transcode.find_ffmpeg()).resolve()
    with contextlib.suppress(OSError):
        while True:
            for held in list((process / "fd").iterdir()):
                # Until it is ffmpeg, it holds what the test itself has open.
                with contextlib.suppress(FileNotFoundError):
                    name = str(held.readlink())
                    if (process / "exe").readlink() == program and "pipe:" not in name:
                        seen.hold(name)


# Files that hold no recording


def without_sound(folder: Path, speech: Path) -> dict[str, tuple[Path, str]]:
    """(file, words of the refusal), all named like recordings."""
    files = {name: folder / f"{name}.mp3" for name in (
        "html", "json", "noise", "zip", "zip-stored", "docx", "empty", "hundred", "pdf", "elf", "text",
    )}  # fmt: skip
    files["html"].write_text("<html><body>" + "Đăng nhập " * 500 + "</body></html>")
    files["json"].write_text('{"a": [1, 2, 3]}' * 100)
    files["text"].write_text("Kính gửi bà con trong thôn. " * 200)
    files["noise"].write_bytes(random.Random(1).randbytes(50_000).replace(b"\xff", b"\0"))
    ffmpeg("-i", speech, folder / "inside.mp3")
    for name, how in (("zip", zipfile.ZIP_DEFLATED), ("zip-stored", zipfile.ZIP_STORED)):
        with zipfile.ZipFile(files[name], "w", how) as archive:
            archive.write(folder / "inside.mp3", "inside.mp3")
    files["docx"].write_bytes(files["zip"].read_bytes())
    files["empty"].touch()
    files["hundred"].write_bytes((folder / "inside.mp3").read_bytes()[:100])
    files["pdf"].write_bytes(b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n" * 50 + b"%%EOF")
    files["elf"].write_bytes(Path("/bin/true").read_bytes()[:20_000])
    files |= _media_without_sound(folder, speech)
    words = {"zip": "tệp nén", "zip-stored": "tệp nén", "docx": "tệp nén", "empty": "rỗng"}
    words |= {"film": "không có phần âm thanh", "absent": "không còn"}
    return {name: (path, words.get(name, "Hãy ")) for name, path in files.items()}


def _media_without_sound(folder: Path, speech: Path) -> dict[str, Path]:
    picture = ["-f", "lavfi", "-i", "testsrc=s=64x64:d=1"]
    ffmpeg(*picture, "-c:v", "mpeg4", folder / "film.mp4")
    for kind in ("png", "jpg", "gif"):
        ffmpeg(*picture, "-frames:v", "1", folder / f"picture.{kind}")
    ffmpeg("-i", speech, folder / "whole.m4a")
    raw = (folder / "whole.m4a").read_bytes()
    (folder / "no-moov.m4a").write_bytes(raw[: raw.index(b"moov") - 4])
    ffmpeg("-i", speech, folder / "whole.wav")
    (folder / "header.wav").write_bytes((folder / "whole.wav").read_bytes()[:44])
    names = ("film.mp4", "picture.png", "picture.jpg", "picture.gif", "no-moov.m4a", "header.wav")
    found = {Path(name).stem if "film" in name else name: folder / name for name in names}
    return {**found, "absent": folder / "absent.mp3"}


def test_it_refuses_what_is_no_recording_in_a_sentence(speech: Path, tmp_path: Path) -> None:
    for name, (source, words) in without_sound(tmp_path, speech).items():
        print("trying", name)
        with pytest.raises(ContentError, match=rf"{words}(?s:.)*\.$") as refusal:
            make(source, tmp_path)
        assert "Hãy " in refusal.value.sentence
    assert not (tmp_path / "recordings").exists()
    assert list((tmp_path / "work").iterdir()) == []


# Bombs


def test_it_refuses_a_day_of_silence(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.flac"
    day = ["-f", "lavfi", "-i", "anullsrc=r=1000:cl=mono,aformat=sample_fmts=s16", "-t", "86400"]
    ffmpeg(*day, "-compression_level", "0", "-frame_size", "65535", bomb)
    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(ContentError, match="dài hơn 1 phút"):
        make(bomb, tmp_path, max_seconds=60)
    decoded = transcode.decode_to_wav(bomb, tmp_path / "out.wav", max_seconds=60)
    assert decoded.ms == 61_000
    assert decoded.claimed_ms == 86_400_000
    assert decoded.path.stat().st_size < 3_000_000


def test_it_caps_a_wav_of_gigabytes(tmp_path: Path) -> None:
    endless = tmp_path / "endless.wav"
    with wave.open(str(endless), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80")
    size = 86_400 * 8000
    with endless.open("r+b") as raw:  # a sparse file: nothing of it lies on the disk
        raw.truncate(44 + size)
        raw.seek(4)
        raw.write((36 + size).to_bytes(4, "little"))
        raw.seek(40)
        raw.write(size.to_bytes(4, "little"))
    decoded = transcode.decode_to_wav(endless, tmp_path / "out.wav", max_seconds=30)
    assert (decoded.ms, decoded.claimed_ms) == (31_000, 86_400_000)


def test_it_stops_at_the_longest_a_bulletin_may_be(speech: Path, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="dài hơn 2 giây"):
        make(speech, tmp_path, max_seconds=2)


# Broken and odd recordings


def broken(raw: bytes) -> dict[str, bytes]:
    """Ways a good MP3 arrives."""
    middle = len(raw) // 2
    noise = random.Random(2).randbytes(len(raw) // 3)
    return {
        "cut": raw[: len(raw) * 2 // 5],
        "holed": raw[: len(raw) // 4] + bytes(middle) + raw[len(raw) * 3 // 4 :],
        "scrambled": raw[: len(raw) // 4] + noise + raw[len(raw) // 4 + len(noise) :],
        "headless": raw[1000:],
        "trailing": raw + noise,
    }


def test_it_says_what_is_missing_from_a_broken_mp3(speech: Path, tmp_path: Path) -> None:
    ffmpeg("-i", speech, "-b:a", "64k", tmp_path / "whole.mp3")
    for name, data in broken((tmp_path / "whole.mp3").read_bytes()).items():
        (tmp_path / name).write_bytes(data)
        made = make(tmp_path / name, tmp_path)
        noted = any("bị cắt cụt hoặc hỏng" in note for note in made.notes)
        assert noted == (name != "headless"), (name, made.notes)
        assert made.lufs == pytest.approx(-16, abs=1), name


def with_picture(folder: Path, speech: Path) -> Path:
    """An MP3 with 8 MB of picture in front, more than ffmpeg looks through to tell what a file is."""
    ffmpeg("-i", speech, folder / "plain.mp3")
    picture = b"\0image/jpeg\0\3\0" + random.Random(3).randbytes(8_000_000)
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = folder / "picture.mp3"
    path.write_bytes(b"ID3\3\0\0" + size + frame + (folder / "plain.mp3").read_bytes())
    return path


def endless_header(folder: Path, speech: Path) -> Path:
    """A WAV whose header claims 4 GB, as recorders write that are switched off in the middle."""
    ffmpeg("-i", speech, folder / "plain.wav")
    raw = bytearray((folder / "plain.wav").read_bytes())
    data = raw.index(b"data") + 4
    raw[4:8] = raw[data : data + 4] = b"\xff\xff\xff\xff"
    path = folder / "endless.wav"
    path.write_bytes(raw)
    return path


def without_numbers(folder: Path, speech: Path) -> Path:
    """A WAV of floats, some of which are no numbers, or beyond all measure."""
    with wave.open(str(speech)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32_768)
    sound[1000::5000] = np.nan
    sound[2000::7000] = np.inf
    sound[3000::9000] = 1e30
    data = sound.astype("<f4").tobytes()
    shape = (
        b"\3\0\1\0"
        + (22_050).to_bytes(4, "little")
        + (88_200).to_bytes(4, "little")
        + b"\4\0\x20\0"
    )
    chunks = b"WAVEfmt " + len(shape).to_bytes(4, "little") + shape
    chunks += b"data" + len(data).to_bytes(4, "little") + data
    path = folder / "nan.wav"
    path.write_bytes(b"RIFF" + len(chunks).to_bytes(4, "little") + chunks)
    return path


def converted(name: str, *options: str) -> Callable[[Path, Path], Path]:
    """The speech in another format, named ``.mp3`` whatever it is."""

    def build(folder: Path, speech: Path) -> Path:
        ffmpeg("-i", speech, *options, folder / name)
        return (folder / name).rename(folder / "upload.mp3")

    return build


FILM = ["-f", "lavfi", "-i", "testsrc=s=64x64:d=9", "-c:v", "mpeg4", "-shortest"]
ODD: dict[str, Callable[[Path, Path], Path]] = {
    "vbr-without-xing": converted("a.mp3", "-q:a", "5", "-write_xing", "0"),
    "m4a": converted("a.m4a"),
    "video": converted("a.mp4", *FILM),
    "picture-in-tag": with_picture,
    "endless-header": endless_header,
    "not-a-number": without_numbers,
    "rate-11127": converted("a.wav", "-ar", "11127"),
    "rate-192000": converted("a.wav", "-ar", "192000", "-c:a", "pcm_s24le"),
    "rate-4000": converted("a.wav", "-ar", "4000", "-c:a", "pcm_u8"),
    "eight-channels": converted("a.wav", "-af", "pan=7.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0|SL=c0|SR=c0"),
    "doubles": converted("a.wav", "-c:a", "pcm_f64le"),
    "amr": converted("a.amr", "-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "4.75k"),
    "3gp": converted("a.3gp", "-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k"),
    "wma": converted("a.wma"),
    "aac": converted("a.aac"),
    "alac": converted("a.m4a", "-c:a", "alac"),
    "opus": converted("a.opus", "-c:a", "libopus", "-b:a", "16k"),
    "webm": converted("a.webm", "-c:a", "libvorbis"),
    "dts": converted("a.mka", "-c:a", "dca", "-strict", "-2", "-ar", "48000", "-ac", "2"),
    "ac3": converted("a.mka", "-c:a", "ac3", "-ar", "48000"),
    "w64": converted("a.w64"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_it_takes_what_is_odd_but_sound(speech: Path, tmp_path: Path, name: str) -> None:
    with wave.open(str(speech)) as file:
        length = file.getnframes() * 1000 / file.getframerate()
    decoded = transcode.decode_to_wav(
        ODD[name](tmp_path, speech), tmp_path / "out.wav", max_seconds=60
    )
    assert decoded.ms == pytest.approx(length, abs=150)


@pytest.mark.parametrize("name", ["video", "picture-in-tag", "endless-header", "not-a-number"])
def test_it_makes_them_as_loud_as_the_rest(speech: Path, tmp_path: Path, name: str) -> None:
    made = make(ODD[name](tmp_path, speech), tmp_path)
    assert made.lufs == pytest.approx(-16, abs=1)
    assert made.true_peak_db <= -0.5
    assert made.notes == ()


def test_it_names_the_format_it_cannot_read(speech: Path, tmp_path: Path) -> None:
    """A bare DTS stream is not on the list of formats: the sentence says which ones are."""
    ffmpeg(
        "-i", speech, "-c:a", "dca", "-strict", "-2", "-ar", "48000", "-ac", "2", tmp_path / "a.dts"
    )
    with pytest.raises(ContentError, match="MP3, WAV, M4A hoặc OGG"):
        make(tmp_path / "a.dts", tmp_path)
