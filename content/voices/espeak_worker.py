"""Reads text on stdin and writes a WAV: ``espeak_worker.py LIBRARY DATA OUT SPEED PAUSE``.

A program of its own, started as a child and never imported: eSpeak NG is GPL-3.0-or-later and stays
outside Loa's process; it is not thread-safe (two speakers in one process corrupt the heap) and some of
its errors call exit(). It needs nothing but Python's own library, so the parent starts it with ``-I -S``.

LIBRARY  the shared library;  DATA  the folder espeak-ng-data, under 160 characters (relative is fine)
OUT      the WAV to write, 16-bit mono at the engine's own rate (22,050 Hz)
SPEED    the engine's rate; 110 → 148, 135 → 183, 175 → 239 syllables a minute in Vietnamese
PAUSE    seconds of silence at a line break; the engine's own after a sentence is about 0.45
"""

from __future__ import annotations

import ctypes
import sys
import wave

SYNCHRONOUS = 2
RETURN_ERRORS = 0x8000  # without it a missing data folder calls exit(1)
UTF8 = 1
RATE = 1
VOICE = b"vi"  # northern; the central and southern ones are nearly flat, their tones cannot be told apart

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
"""(address of the samples or NULL, how many, events) → 0 to go on."""


def engine(library: str, data: str, speed: int) -> tuple[ctypes.CDLL, int]:
    """The loaded engine, ready to speak Vietnamese, and its sample rate."""
    lib = ctypes.CDLL(library)
    rate = lib.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), RETURN_ERRORS)
    if rate <= 0:
        raise SystemExit(f"no data in {data}")
    if lib.espeak_SetVoiceByName(VOICE) != 0:
        raise SystemExit("no Vietnamese voice")
    lib.espeak_SetParameter(RATE, speed, 0)
    return lib, rate


def speak(lib: ctypes.CDLL, rate: int, text: str, pause: float, out: wave.Wave_write) -> None:
    """Speak each line of ``text`` as a paragraph, ``pause`` seconds between two."""

    def take(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            out.writeframesraw(ctypes.string_at(samples, count * 2))
        return 0

    callback = Callback(take)  # must outlive every Synth call
    lib.espeak_SetSynthCallback(callback)
    for number, line in enumerate(line for line in text.splitlines() if line.strip()):
        if number:
            out.writeframesraw(bytes(2 * int(rate * pause)))
        raw = line.encode() + b"\0"
        code = lib.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, UTF8, None, None)
        if code != 0:
            raise SystemExit(f"synth failed: {code}")
    lib.espeak_Synchronize()


def main(library: str, data: str, out: str, speed: str, pause: str) -> None:
    text = sys.stdin.buffer.read().decode()
    lib, rate = engine(library, data, int(speed))
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        speak(lib, rate, text, float(pause), file)


if __name__ == "__main__":
    main(*sys.argv[1:])
