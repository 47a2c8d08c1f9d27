"""Makes the parts of a bulletin, each by itself: spoken or decoded, cut, trimmed, all equally loud."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from content import audio, findings, transcode
from content.levels import SAMPLE_RATE
from content.progress import Step
from content.transcode import DecodedWav, Sound
from content.voices.base import Registry, wav_seconds
from loa.errors import ContentError
from loa.words import counted, join, say

EDGE_DB = 34
"""What lies so far under the loudness, at the ends of a part, is silence: -50 dBFS in the finished sound."""
MOSTLY = 0.5
NOISE_DB = 8
"""The quietest moments of clean speech have peaks 15 dB and more under its loudness; so near, it is noise."""
NOISE_SECONDS = 5
"""Shorter speech may have no pause in which noise could be heard."""

CLIPPED = say(
    "Bản ghi bị vỡ tiếng (thu quá to). Hãy nghe thử; nếu khó nghe, giảm âm lượng micrô rồi thu lại."
)
MOSTLY_SILENT = say(
    "Hơn một nửa bản ghi là khoảng lặng. Hãy nghe lại; nếu không cố ý, hãy cắt bớt hoặc thu lại."
)
NOISY = say(
    "Tiếng nền (ồn, gió, nhạc) gần to bằng tiếng nói. Hãy nghe thử; nếu khó nghe, thu lại ở nơi "
    "yên tĩnh; nếu đây là nhạc, hãy bật công tắc Âm nhạc."
)


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """Words to speak, as ``reading`` leaves them; ``speed`` 110 to 175."""

    spoken: str
    voice: str
    """Name of the voice; empty for the default one."""
    speed: int


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """A recording somebody sent, of any kind ffmpeg can read; ``source`` stays as it is."""

    source: Path
    music: bool = False
    """Leave loud and soft as they are."""
    cuts: tuple[tuple[int, int], ...] = ()
    """Spans to leave out, in ms of the decoded original, sorted and not overlapping."""


class Bell(msgspec.Struct, frozen=True, kw_only=True):
    """A chime between two parts."""

    chime: audio.Chime


Source = Speech | Take | Bell


def too_long(max_seconds: float, field: str, what: str = say("Bản ghi")) -> ContentError:
    """The refusal of more sound than one bulletin may hold."""
    minutes, seconds = divmod(round(max_seconds), 60)
    most = (
        findings.spoken_length(round(max_seconds * 1000))
        if seconds
        else counted("%(n)s phút", minutes)
    )
    return ContentError(
        say("%(what)s dài hơn %(most)s. Hãy cắt thành nhiều bản ngắn hơn.", what=what, most=most),
        field=field,
    )


class Maker:
    """Makes one part after the other; holds their files, and what is to be said of them."""

    def __init__(
        self, bench: Path, voices: Registry, highpass_hz: int, max_seconds: int, count: int
    ) -> None:
        self.bench, self.voices, self.highpass_hz = bench, voices, highpass_hz
        self.max_seconds, self.count = max_seconds, count
        self.parts: list[Path] = []
        self.spoke: list[str] = []
        self.notes: list[str] = []
        self.ms = 0

    def where(self, number: int) -> str:
        """What names the part in a sentence, when there are several."""
        return say("Phần %(number)s: ", number=number) if self.count > 1 else ""

    def add(self, number: int, source: Source, step: Step) -> None:
        """Make one more part."""
        out = self.bench / f"part-{number}.wav"
        field = "body" if isinstance(source, Speech) else "upload"
        with _naming(self.where(number), field):
            notes = self._made(source, out, step)
        self.parts.append(out)
        self.notes += [join("", [self.where(number), note]) for note in notes]

    def _too_long(self, field: str) -> ContentError:
        what = say("Cả bản tin, tính đến phần này,") if self.count > 1 else say("Bản ghi")
        return too_long(self.max_seconds, field, what)

    def _made(self, source: Source, out: Path, step: Step) -> list[str]:
        match source:
            case Speech():
                return self._speak(source, out, step)
            case Take():
                return self._take(source, out, step)
            case Bell():
                audio.write_chime(source.chime, out)
                return []

    def _speak(self, speech: Speech, out: Path, step: Step) -> list[str]:
        voice = self.bench / "voice.wav"
        said = self.voices.speak(
            speech.spoken,
            voice,
            voice=speech.voice,
            speed=speech.speed,
            progress=step.of(say("Đọc văn bản"), 0, 0.4),
        )
        raw = transcode.decode_to_wav(
            voice,
            self.bench / "raw.wav",
            max_seconds=2 * wav_seconds(voice) + 1,
            progress=step.of(say("Đọc văn bản"), 0.4, 0.5),
        )
        voice.unlink()
        self._level(raw.path, out, step, field="body", music=False)
        self.spoke.append(said.voice)
        return list(said.notes)

    def _take(self, take: Take, out: Path, step: Step) -> list[str]:
        raw = self._decode(take, step)
        whole = raw.path
        if take.cuts:
            whole = self.bench / "cut.wav"
            audio.cut(raw.path, whole, take.cuts)
            raw.path.unlink()
        sound = self._level(whole, out, step, field="upload", music=take.music)
        found = {
            CLIPPED: raw.clipped,
            MOSTLY_SILENT: sound.levels.quiet_share(min(-50, _edge(sound))) > MOSTLY,
            NOISY: not take.music and _noisy(sound),
        }
        truncated = findings.truncation_note(raw.claimed_ms, raw.ms)
        notes: list[str] = [note for note, true in found.items() if true]
        return [truncated, *notes] if truncated else notes

    def _decode(self, take: Take, step: Step) -> DecodedWav:
        """The whole recording; refused when, even without what is cut out, it is too long."""
        left = self.max_seconds - self.ms / 1000
        longest = left + min(audio.cut_ms(take.cuts) / 1000, self.max_seconds)
        raw = transcode.decode_to_wav(
            take.source,
            self.bench / "raw.wav",
            max_seconds=longest,
            progress=step.of(say("Đọc tệp"), 0, 0.3),
        )
        if raw.longer_than(longest):
            raise self._too_long("upload")
        return raw

    def _level(self, raw: Path, out: Path, step: Step, *, field: str, music: bool) -> Sound:
        """Trim and level ``raw``, which is used up; gives what it sounded like before."""
        sound = transcode.listen(
            raw, highpass_hz=self.highpass_hz, progress=step.of(say("Cân âm lượng"), 0.5, 0.55)
        )
        if sound.loudness.lufs <= transcode.SILENT_LUFS:
            raise ContentError(transcode.SILENT, field=field)
        span = _span(sound)
        self.ms += (span[1] - span[0]) * 1000 // SAMPLE_RATE
        if self.ms > self.max_seconds * 1000 + 500:
            raise self._too_long(field)
        transcode.level(
            raw,
            out,
            sound,
            span,
            highpass_hz=self.highpass_hz,
            music=music,
            progress=step.of(say("Cân âm lượng"), 0.55, 1),
        )
        raw.unlink()
        return sound


@contextlib.contextmanager
def _naming(where: str, field: str) -> Iterator[None]:
    """Say in a refusal which part it is about, and the field unless it names one itself."""
    try:
        yield
    except ContentError as error:
        raise type(error)(join("", [where, error.sentence]), field=error.field or field) from error


def shares(sources: Sequence[Source], first: int, last: int) -> list[tuple[float, float]]:
    """A stretch of the progress for each part; a chime takes no time."""
    weights = [0 if isinstance(source, Bell) else 1 for source in sources]
    unit = (last - first) / max(1, sum(weights))
    edges = [first + unit * sum(weights[:number]) for number in range(len(weights) + 1)]
    return list(itertools.pairwise(edges))


def silent_ends(sound: Sound) -> tuple[int, int]:
    """Milliseconds of silence before and after the sound."""
    if sound.loudness.lufs <= transcode.SILENT_LUFS:
        return sound.levels.samples * 1000 // SAMPLE_RATE, 0
    first, last = sound.levels.span(_edge(sound), 0)
    samples = sound.levels.samples
    return first * 1000 // SAMPLE_RATE, (samples - last) * 1000 // SAMPLE_RATE


def _edge(sound: Sound) -> float:
    return sound.loudness.lufs - EDGE_DB


def _span(sound: Sound) -> tuple[int, int]:
    return sound.levels.span(_edge(sound), audio.EDGE_SILENCE_MS)


def _noisy(sound: Sound) -> bool:
    """Whether even the quietest moments are nearly as loud as the speech."""
    span = _span(sound)
    if span[1] - span[0] < NOISE_SECONDS * SAMPLE_RATE:
        return False
    floor = sound.levels.floor(span)
    return floor > 10 ** ((sound.loudness.lufs - NOISE_DB) / 20)
