from __future__ import annotations

import socket
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from devices.messages import Relay
from devices.receiver import decoder, hls
from devices.receiver.decoder import Decoder
from devices.receiver.outputs import RATE
from devices.receiver.relay import KEPT_SECONDS, Relays, Ring, Tuner
from devices.receiver.streams import Broken, Chunk, Ended, Refused, Source
from tests.devices.receiver_rig import tone
from tests.devices.upper_station import Answer, Upper, on_air, playlist, segments

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
NEVER = 60.0


def loudness(frames: array[int]) -> float:
    return float((sum(one * one for one in frames) / max(1, len(frames))) ** 0.5)


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline, pause = time.monotonic() + NEVER, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        pause.wait(0.005)


@pytest.fixture
def upper() -> Iterator[Upper]:
    with on_air({"/live.mp3": Answer(tone(2), endless=True)}) as upper:
        yield upper


def relay(url: str, ms: int = 60_000, *hosts: str) -> Relay:
    return Relay(url, ms, hosts)


def why(source: Source) -> str:
    with pytest.raises((Refused, Broken)) as caught:
        for _ in source.chunks():
            pass
    return str(caught.value)


def until_ended(source: Source) -> list[Chunk]:
    chunks: list[Chunk] = []
    with pytest.raises(Ended):
        chunks.extend(source.chunks())
    return chunks


def whole(body: bytes) -> Answer:
    """With a length, as a file is sent."""
    return Answer(body, f"audio/mpeg\r\nContent-Length: {len(body)}")


# -- what is taken, and from whom -----------------------------------------------------------------


def test_a_stream_comes_in_small_pieces_until_it_ends(upper: Upper) -> None:
    upper.answers["/short"] = Answer(tone(2))
    counted: list[int] = []
    chunks = list(Source(relay(upper.url("/short")), count=counted.append).chunks())
    assert b"".join(chunk.data for chunk in chunks) == tone(2)
    assert {chunk.kind for chunk in chunks} == {"mp3"}
    assert sum(counted) == len(tone(2)), "a SIM card is paid for by the byte"


def test_only_hosts_that_the_plan_names_are_asked(upper: Upper) -> None:
    """An upper station, or who sits between, must not make a pole knock on doors of its own network."""
    elsewhere = upper.url("/live.mp3", "localhost")
    upper.answers["/moved"] = Answer(status=302, location=elsewhere)
    upper.answers["/list.m3u8"] = playlist(0, [elsewhere])
    assert why(Source(relay(upper.url("/moved")))) == "host"
    assert why(Source(relay(upper.url("/list.m3u8")))) == "host"
    assert "/live.mp3" not in upper.asked
    allowed = Source(relay(upper.url("/moved"), 60_000, "LocalHost"))
    assert next(iter(allowed.chunks())).kind == "mp3"
    allowed.close()


def test_a_redirect_on_the_same_host_is_followed_but_not_for_ever(upper: Upper) -> None:
    upper.answers["/moved"] = Answer(status=301, location="/short")
    upper.answers["/short"] = Answer(tone(1))
    upper.answers["/round"] = Answer(status=302, location="/round")
    assert b"".join(c.data for c in Source(relay(upper.url("/moved"))).chunks()) == tone(1)
    assert why(Source(relay(upper.url("/round")))) == "redirects"
    assert upper.asked.count("/round") == 4


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://127.0.0.1/x.mp3", "scheme"),
        ("concat:/etc/passwd", "scheme"),
        ("http://user:secret@127.0.0.1/x.mp3", "url"),
        ("http://127.0.0.1:99999/x.mp3", "url"),
        ("http://127.0.0.1/a b\r\nX: y", "url"),
        ("http:///x.mp3", "host"),
        ("", "scheme"),
    ],
)
def test_other_addresses_are_refused(url: str, reason: str) -> None:
    assert why(Source(relay(url))) == reason


def test_https_does_not_become_http(upper: Upper) -> None:
    source = Source(relay("https://127.0.0.1/x"))
    with pytest.raises(Refused, match="scheme"):
        source._allowed(upper.url("/live.mp3"))


def test_what_never_ends_is_ended(upper: Upper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.receiver.streams.BURST_BYTES", 100_000)
    taken: list[int] = []
    assert why(Source(relay(upper.url("/live.mp3"), 1_000), count=taken.append)) == "too_big"
    assert sum(taken) < 100_000 + 48_000 + 2 * 4_096


def test_an_endless_playlist_and_an_endless_segment_are_ended(
    upper: Upper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.receiver.streams.SEGMENT_BYTES", 50_000)
    upper.answers["/a.m3u8"] = Answer(b"#EXTM3U\n" * 4_000, endless=True)
    upper.answers["/b.m3u8"] = playlist(0, ["live.mp3"])
    assert why(Source(relay(upper.url("/a.m3u8")))) == "too_big"
    assert why(Source(relay(upper.url("/b.m3u8")))) == "too_big"


def test_what_is_no_sound_is_not_decoded(upper: Upper) -> None:
    upper.answers["/page"] = Answer(b"<html>", "text/html")
    assert why(Source(relay(upper.url("/page")))) == "type"
    assert why(Source(relay(upper.url("/gone.mp3")))) == "http 404"


# -- HLS ------------------------------------------------------------------------------------------


def test_hls_takes_each_segment_once_as_they_are_added(upper: Upper) -> None:
    lists = [
        playlist(10, ["a.ts", "b.ts", "c.ts", "d.ts"]),
        playlist(12, ["c.ts", "d.ts", "e.ts"]),
        playlist(13, ["d.ts", "e.ts", "f.ts"], "#EXT-X-ENDLIST"),
    ]
    upper.answers["/x/live.m3u8"] = lambda: lists.pop(0)
    for name in "abcdef":
        upper.answers[f"/x/{name}.ts"] = Answer(name.encode(), "video/mp2t")
    chunks = until_ended(Source(relay(upper.url("/x/live.m3u8"))))
    assert b"".join(chunk.data for chunk in chunks) == b"bcdef", "begun three from the end"
    assert {chunk.kind for chunk in chunks} == {"mpegts"}


def test_of_several_variants_the_one_of_the_fewest_bytes_is_heard() -> None:
    master = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS="avc1.4d,mp4a.40.2"
video.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"
small.m3u8
"""
    assert hls.variant(master) == "small.m3u8"
    audio = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="vi",URI="vi.m3u8"'
    assert hls.variant(f"{master}{audio}\n") == "vi.m3u8"
    assert hls.variant("#EXTM3U\n#EXTINF:1,\na.ts\n") == ""


def test_what_cannot_be_played_of_hls_is_said() -> None:
    text = "#EXTM3U\n#EXTINF:1,\na.ts\n"
    assert hls.parse(text).refusal == ""
    assert hls.parse(f"{text}#EXT-X-KEY:METHOD=NONE\n").refusal == ""
    assert hls.parse(f'{text}#EXT-X-KEY:METHOD=AES-128,URI="k"\n').refusal == "encrypted"
    assert hls.parse(f"{text}#EXT-X-BYTERANGE:100@0\n").refusal == "byterange"
    assert hls.parse("<html>").is_ended, "no playlist at all"


def test_a_stream_that_begins_anew_is_followed_anew() -> None:
    following = hls.Following()

    def news(first: int, segments: str) -> str:
        text = f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{first}\n" + "\n".join(segments)
        return "".join(following.news(hls.parse(text)))

    assert [news(90, "abcd"), news(91, "bcd"), news(0, "x")] == ["bcd", "", "x"]


def test_what_goes_before_the_segments_is_taken_once() -> None:
    following = hls.Following()
    text = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n1.m4s\n2.m4s'
    assert list(following.news(hls.parse(text))) == ["init.mp4", "1.m4s", "2.m4s"]
    assert list(following.news(hls.parse(f"{text}\n3.m4s"))) == ["3.m4s"]


# -- decoded in a child ---------------------------------------------------------------------------


@pytest.fixture(params=[FFMPEG, None], ids=["ffmpeg", "miniaudio"])
def tuned(request: pytest.FixtureRequest, upper: Upper) -> Iterator[Tuner]:
    tuner = Tuner(Source(relay(upper.url("/live.mp3"))), request.param)
    yield tuner
    tuner.close()
    wait_for(lambda: not tuner._decoder or not tuner._decoder.is_running, "the child's end")


def test_a_live_stream_is_decoded_and_kept_short(tuned: Tuner, upper: Upper) -> None:
    wait_for(lambda: tuned.waiting() >= KEPT_SECONDS * RATE, "sound")
    assert tuned.waiting() < (KEPT_SECONDS + 1) * RATE, "however fast it comes"
    heard = tuned.take(2 * RATE)
    assert len(heard) == 2 * RATE
    assert loudness(heard) > 1_000
    wait_for(lambda: tuned.waiting() >= KEPT_SECONDS * RATE, "more of it")


def test_the_child_is_confined(tuned: Tuner) -> None:
    wait_for(lambda: tuned.waiting() > 0, "sound")
    assert tuned._decoder is not None
    process = Path(f"/proc/{tuned._decoder._process.pid}")
    lines = (process / "limits").read_text().splitlines()
    limits = {line[:26].strip(): line[26:].split()[0] for line in lines}
    assert limits["Max address space"] == str(decoder.MEMORY_BYTES)
    assert limits["Max file size"] == "0", "it can write no file"
    assert limits["Max open files"] == str(decoder.FILES)
    assert "NoNewPrivs:\t1" in (process / "status").read_text()
    files = [str(file.readlink()) for file in (process / "fd").iterdir()]
    assert not [name for name in files if name.startswith("socket:")]
    assert (process / "environ").read_bytes() == b"LC_ALL=C\0"


def test_a_stream_that_breaks_is_asked_for_again(upper: Upper, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("devices.receiver.relay.AGAIN_SECONDS", 0.01)
    upper.answers["/short"] = Answer(tone(2))
    tuner = Tuner(Source(relay(upper.url("/short"))), FFMPEG)
    wait_for(lambda: tuner.waiting() > 3 * RATE, "the stream's second coming")
    assert upper.asked.count("/short") > 1
    assert not tuner.is_dead
    tuner.close()


def test_hls_is_heard_with_ffmpeg_and_refused_without(upper: Upper) -> None:
    names = [f"{n}.ts" for n in range(len(segments()))]
    upper.answers["/live.m3u8"] = playlist(0, names, "#EXT-X-ENDLIST")
    upper.answers |= {
        f"/{name}": Answer(part, "video/mp2t") for name, part in zip(names, segments(), strict=True)
    }
    tuner = Tuner(Source(relay(upper.url("/live.m3u8"))), FFMPEG)
    wait_for(lambda: tuner.is_dead, "the end")
    assert tuner.why == "ended"
    assert tuner.waiting() > 2 * RATE, "ffmpeg takes the first second to look at it"
    assert loudness(tuner.take(RATE)) > 1_000
    tuner.close()
    without = Tuner(Source(relay(upper.url("/live.m3u8"))), None)
    wait_for(lambda: without.is_dead, "a refusal")
    assert without.why == "no_ffmpeg"
    without.close()


@pytest.mark.parametrize("ffmpeg", [FFMPEG, None], ids=["ffmpeg", "miniaudio"])
@pytest.mark.parametrize("hostile", [b"ffconcat version 1.0\nfile /etc/passwd\n", bytes(100)])
def test_what_does_not_decode_gives_no_sound(
    upper: Upper, monkeypatch: pytest.MonkeyPatch, hostile: bytes, ffmpeg: str | None
) -> None:
    monkeypatch.setattr("devices.receiver.relay.AGAIN_SECONDS", 0.01)
    upper.answers["/bad.mp3"] = Answer(hostile * 2_000)
    tuner = Tuner(Source(relay(upper.url("/bad.mp3"))), ffmpeg)
    wait_for(lambda: tuner.is_dead or upper.asked.count("/bad.mp3") > 5, "the end of trying")
    assert tuner.waiting() == 0
    tuner.close()


def test_without_the_means_to_confine_it_nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("devices.receiver.decoder.shutil.which", lambda name: None)
    with pytest.raises(Refused, match="no_prlimit"):
        Decoder("mp3", FFMPEG)
    assert decoder.find_ffmpeg() is None


def test_a_host_without_a_server_is_tried_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr("devices.receiver.relay.AGAIN_SECONDS", 0.01)
    feed = Relays(FFMPEG).tune(relay(f"http://127.0.0.1:{port}/x.mp3"))
    wait_for(lambda: "refused" in feed.why.lower(), "a reason")
    assert not feed.is_dead
    feed.close()


def test_whoever_puts_in_too_much_waits() -> None:
    ring = Ring(100)
    assert ring.put(array("h", [1] * 100))
    second = threading.Thread(target=ring.put, args=(array("h", [2] * 50),))
    second.start()
    assert ring.take(80) == array("h", [1] * 80)
    second.join(NEVER)
    assert ring.take(100) == array("h", [1] * 20 + [2] * 50)
    ring.close()
    assert not ring.put(array("h", [3]))


@pytest.mark.parametrize("ffmpeg", [FFMPEG, None], ids=["ffmpeg", "miniaudio"])
def test_what_came_whole_is_heard_to_its_end_and_not_again(
    upper: Upper, monkeypatch: pytest.MonkeyPatch, ffmpeg: str | None
) -> None:
    """All of it is fetched long before it is heard: the decoder outlives the fetching."""
    monkeypatch.setattr("devices.receiver.relay.AGAIN_SECONDS", 0.01)
    upper.answers["/file.mp3"] = whole(tone(8))
    tuner = Tuner(Source(relay(upper.url("/file.mp3"))), ffmpeg)
    wait_for(lambda: tuner.waiting() >= KEPT_SECONDS * RATE, "sound")
    heard = 0

    def is_over() -> bool:
        nonlocal heard
        is_dead = tuner.is_dead
        taken = len(tuner.take(RATE // 10))
        heard += taken
        return is_dead and not taken

    wait_for(is_over, "its end")
    assert heard > 13 * RATE // 2, "ffmpeg takes the first second to look at it"
    assert (tuner.why, upper.asked) == ("ended", ["/file.mp3"])
    tuner.close()


def test_hls_that_breaks_goes_on_where_it_was(upper: Upper) -> None:
    lists = [
        playlist(10, ["a.ts", "b.ts", "c.ts"]),
        playlist(10, ["a.ts", "b.ts", "c.ts", "d.ts"], "#EXT-X-ENDLIST"),
    ]
    upper.answers["/live.m3u8"] = lambda: lists.pop(0)
    for name in "abd":
        upper.answers[f"/{name}.ts"] = Answer(name.encode(), "video/mp2t")
    source = Source(relay(upper.url("/live.m3u8")))
    came: list[Chunk] = []
    with pytest.raises(Broken, match="404"):
        came.extend(source.chunks())
    came += until_ended(source)
    assert [chunk.data for chunk in came] == [b"a", b"b", b"d"]


def test_of_a_list_too_long_the_last_are_taken_under_their_numbers() -> None:
    names = [f"{n}.ts" for n in range(hls.MOST_SEGMENTS + 2)]
    found = hls.parse("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n" + "\n".join(names))
    assert (found.first, found.segments[0]) == (9, "2.ts")
