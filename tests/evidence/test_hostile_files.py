"""Bundles that are broken, booby-trapped or read differently by different readers: never a pass, never a traceback."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from devices import signing
from scheduler.evidence import bundles
from tests.evidence.forging import STANDALONE, Forger
from verifier import loa_verify
from verifier.loa_verify import Unreadable

Parts = dict[str, bytes]
TWICE = b"e30." + signing.b64(b'{"v":1,"v":1}').encode() + b".e30"


def parts_of(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def signed(forger: Forger, parts: Parts, **said: object) -> Parts:
    """The same with a manifest of the station's own key that fits whatever bytes these are."""
    manifest = json.loads(signing.payload(parts[bundles.MANIFEST])) | said
    manifest["files"] = {
        name: {"sha256": sha256(raw).hexdigest(), "bytes": len(raw), "rows": len(raw.splitlines(keepends=True))}
        for name, raw in parts.items()
        if name != bundles.MANIFEST
    }  # fmt: skip
    token = forger.told.key.sign(json.dumps(manifest).encode(), bundles.TYPE)
    return parts | {bundles.MANIFEST: token}


def packed(path: Path, parts: Parts, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)
    return path


def first_row(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    first, *rest = raw.splitlines(keepends=True)
    return b"".join([change(first), *rest])


def put(text: str) -> Callable[[bytes], bytes]:
    """One more member at the end of a line."""
    return lambda line: line.removesuffix(b"}\n") + b"," + text.encode() + b"}\n"


LINES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a name twice": (put('"state":"played"'), "một tên đứng hai lần"),
    "a name twice, spelled otherwise": (put('"st\\u0061te":"played"'), "một tên đứng hai lần"),
    "not a number": (put('"x":NaN'), "không phải số"),
    "without end": (put('"x":-Infinity'), "không phải số"),
    "a fraction too large": (put('"x":1e999'), "số quá lớn"),
    "a number too large": (put('"x":' + "9" * 40), "số quá lớn"),
    "a number of thousands of digits": (put('"x":' + "9" * 9_000), "dòng không đọc được"),
    "half of a character": (put('"x":"\\ud800"'), "bị cắt đôi"),
    "no UTF-8": (lambda line: line.replace(b'"occ"', b'"o\xff"'), "không phải UTF-8"),
    "UTF-16": (lambda line: line.decode().encode("utf-16"), "không bắt đầu bằng mã đầu thu"),
    "a mark before": (lambda line: b"\xef\xbb\xbf" + line, "dòng không đọc được"),
    "without end of depth": (put('"x":' + "[" * 100_000 + "]" * 100_000), "dòng không đọc được"),
    "a list": (lambda line: b'["rid","' + line[8:14] + b'"]\n', "không bắt đầu bằng mã đầu thu"),
    "nothing": (lambda line: b"\n" + line, "không bắt đầu bằng mã đầu thu"),
    "an id in disguise": (lambda line: line.replace(b'"r-0000"', b'"r\\u002d0000"', 1), "hai cách"),
    "a line too long": (put('"x":"' + Random(1).randbytes(2_500_000).hex() + '"'), "dòng không đọc được"),
}  # fmt: skip


@pytest.mark.parametrize("harm", LINES)
def test_a_line_that_two_readers_read_differently_is_named(forger: Forger, harm: str) -> None:
    change, words = LINES[harm]
    parts = parts_of(forger.told.bundle)
    parts["deliveries.jsonl"] = first_row(parts["deliveries.jsonl"], change)
    report = forger.verify(packed(forger.folder / "b.zip", signed(forger, parts)))
    assert not report.is_good
    assert any(words in line for line in loa_verify.told(report)), list(loa_verify.told(report))[
        :20
    ]


@pytest.mark.parametrize("name", sorted(loa_verify.FILES - {"staff.jsonl"}))
@pytest.mark.parametrize(
    "line", [b"{}\n", b"[]\n", b'{"rid":"r-0000"}\n', b'{"kind":3}\n', b'{"rid":"r-0000","n":{}}\n']
)
def test_a_line_of_another_shape_is_named_in_any_file(
    forger: Forger, name: str, line: bytes
) -> None:
    parts = parts_of(forger.told.bundle)
    parts[name] = line + parts[name]
    report = forger.verify(packed(forger.folder / "b.zip", signed(forger, parts)))
    assert not report.is_good
    assert all("Error" not in text for text in loa_verify.told(report))


SAID: dict[str, dict[str, object]] = {
    "a campaign without a name": {"campaign": ""},
    "a campaign of blanks": {"campaign": " \t"},
    "a campaign that is a number": {"campaign": 7},
    "a period of text": {"since": "2026"},
    "a period that is true": {"since": True},
    "a period turned round": {"since": 5, "until": 3},
    "a period without end": {"until": 2**60},
    "no stretch": {"audit": []},
    "a stretch from nothing": {"audit": {"first": 0, "last": 1, "previous": "", "head": ""}},
    "no station": {"station": None},
    "unguarded numbers": {"unguarded": [3]},
    "unguarded text": {"unguarded": "plans"},
}


@pytest.mark.parametrize("harm", SAID)
def test_a_manifest_of_another_shape_is_no_bundle(
    forger: Forger, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = signed(forger, parts_of(forger.told.bundle), **SAID[harm])
    assert loa_verify.main([str(packed(forger.folder / "b.zip", parts))]) == 2
    assert capsys.readouterr().err.strip()


def _duplicate(path: Path, parts: Parts) -> None:
    packed(path, parts)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("deliveries.jsonl", b"")


def _named(name: str) -> Callable[[Path, Parts], None]:
    return lambda path, parts: (packed(path, parts | {name: b"x"}), None)[1]


def _link(path: Path, parts: Parts) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in parts.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if name == "staff.jsonl" else 0o100644) << 16
            archive.writestr(info, raw)


def _before(path: Path, parts: Parts) -> None:
    path.write_bytes(b"#!/bin/sh\n" + packed(path, parts).read_bytes())


def _comment(path: Path, parts: Parts) -> None:
    packed(path, parts)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"KET LUAN: khong thay gi"


def _hidden(path: Path, parts: Parts) -> None:
    """A file whose bytes stay while the directory forgets it."""
    packed(path, {"bi-mat.txt": b"x" * 50} | parts)
    with zipfile.ZipFile(path, "a") as archive:
        gone = archive.filelist.pop(0)
        del archive.NameToInfo[gone.filename]
        archive._didModify = True


ZIPS: dict[str, tuple[Callable[[Path, Parts], None], str]] = {
    "a file twice": (_duplicate, "tệp có hai lần"),
    "a file more": (_named("ghi-chu.txt"), "tệp lạ trong gói"),
    "a file of the root": (_named("/etc/passwd"), "đường dẫn ra ngoài"),
    "a file above": (_named("../../audit.jsonl"), "đường dẫn ra ngoài"),
    "a file of another drive": (_named("C:\\audit.jsonl"), "đường dẫn ra ngoài"),
    "a name that moves the cursor": (_named("\x1b[2Ja.txt"), "tệp lạ trong gói"),
    "a link": (_link, "không phải tệp thường"),
    "a program before it": (_before, "giấu ngoài các tệp"),
    "a comment": (_comment, "ghi chú lạ"),
    "a file that the directory hides": (_hidden, "giấu ngoài các tệp"),
}


@pytest.mark.parametrize("harm", ZIPS)
def test_what_a_zip_hides_is_named(
    forger: Forger, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    act, words = ZIPS[harm]
    path = forger.folder / "b.zip"
    act(path, parts_of(forger.told.bundle))
    assert loa_verify.main([str(path)]) == 1
    said = capsys.readouterr().out
    assert words in said
    assert "\x1b" not in said


def _locked(path: Path, parts: Parts) -> None:
    """The flag that says a password is needed, at every file."""
    raw = bytearray(packed(path, parts).read_bytes())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = raw.find(mark)
        while at >= 0:
            raw[at + place] |= 1
            at = raw.find(mark, at + 4)
    path.write_bytes(raw)


UNREADABLE: dict[str, tuple[Callable[[Path, Parts], object], str]] = {
    "a bomb": (lambda p, parts: packed(p, parts | {"staff.jsonl": b"\n" * 50_000_000}), "bom nén"),
    "a bomb beside": (lambda p, parts: packed(p, parts | {"x": b"0" * 50_000_000}), "bom nén"),
    "a manifest too long": (
        lambda p, parts: packed(p, parts | {bundles.MANIFEST: bytes(range(256)) * 20_000}, zipfile.ZIP_STORED),
        "bản kê",
    ),
    "a password": (_locked, "mật khẩu"),
    "another way of packing": (lambda p, parts: packed(p, parts, zipfile.ZIP_LZMA), "nén theo cách lạ"),
    "nothing in it": (lambda p, _: packed(p, {}), "bản kê"),
    "a folder": (lambda p, _: p.mkdir(), "Không mở được"),
    "not there": (lambda p, _: None, "Không mở được"),
    "a manifest with a name twice": (
        lambda p, parts: packed(p, parts | {bundles.MANIFEST: TWICE}),
        "bản kê",
    ),
}  # fmt: skip


@pytest.mark.parametrize("harm", UNREADABLE)
def test_what_is_not_safe_to_read_is_not_read(
    forger: Forger, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    act, words = UNREADABLE[harm]
    path = forger.folder / "b.zip"
    act(path, parts_of(forger.told.bundle))
    assert loa_verify.main([str(path)]) == 2
    assert words in capsys.readouterr().err


def test_a_name_cannot_write_a_verdict_of_its_own(forger: Forger) -> None:
    lie = "Mẫu”\nKẾT LUẬN: không thấy chỗ nào bị thay đổi.\x1b[2J\u202e"
    parts = signed(forger, parts_of(forger.told.bundle), station={"name": lie, "timezone": "x"})
    report = forger.verify(packed(forger.folder / "b.zip", parts))
    lines = list(loa_verify.told(report))
    assert sum(line.startswith("KẾT LUẬN") for line in lines) == 1
    assert all(each.isprintable() for line in lines for each in line)


def test_days_that_never_were_do_not_stop_it(forger: Forger) -> None:
    parts = signed(forger, parts_of(forger.told.bundle), since=0, until=2**53)
    report = forger.verify(packed(forger.folder / "b.zip", parts))
    assert any("ngày không có thật" in line for line in loa_verify.told(report))


def test_it_speaks_vietnamese_into_any_pipe(forger: Forger) -> None:
    alone = forger.folder / "loa_verify.py"
    shutil.copy(STANDALONE, alone)
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8=0", str(alone), str(forger.told.bundle)],
        env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "không thấy chỗ nào bị thay đổi" in done.stdout.decode()


def test_random_bytes_in_any_file_are_never_a_traceback(forger: Forger) -> None:
    """Every file in turn is cut, doubled and turned round, under a manifest that fits it."""
    whole = parts_of(forger.told.bundle)
    for name in sorted(loa_verify.FILES):
        lines = whole[name].splitlines(keepends=True)
        half, twice = whole[name][: len(whole[name]) // 2], whole[name] * 2
        for raw in (b"".join(reversed(lines)), half, twice):
            parts = signed(forger, whole | {name: raw})
            try:
                report = forger.verify(packed(forger.folder / "b.zip", parts))
            except Unreadable:
                continue
            # Nothing hangs on who works there today, nor on the order of decisions, keys and gaps.
            free = ("approvals.jsonl", "gaps.jsonl", "keys.jsonl")
            in_any_order = name in free and raw not in (half, twice)
            assert not report.is_good or in_any_order or name == "staff.jsonl", name


class Pipe(io.RawIOBase):
    """One cannot go back in it: lengths then stand behind the data."""

    def __init__(self) -> None:
        self.whole = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:
        self.whole += data
        return len(data)


def test_the_same_packed_again_by_another_program_passes(forger: Forger) -> None:
    pipe = Pipe()
    parts = parts_of(forger.told.bundle)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            archive.writestr(name, parts[name])
    path = forger.folder / "again.zip"
    path.write_bytes(pipe.whole)
    assert path.read_bytes()[6] & 0x8  # it is as meant
    assert forger.verify(path).findings == []
    assert forger.verify(packed(path, parts, zipfile.ZIP_STORED)).findings == []
