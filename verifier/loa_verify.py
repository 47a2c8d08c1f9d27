#!/usr/bin/env python3
"""Kiểm gói chứng cứ của đài truyền thanh dùng Loa. Checks a bundle of evidence; knows nothing else of Loa.

    python3 loa_verify.py GOI.zip [--key DẤU_VÂN_TAY …]

It needs Python 3.9 or later and the library ``cryptography``, and no other file. The format is docs/evidence.md.
Exit codes: 0 nothing contradicts, 1 something was changed, 2 it could not be read or was called wrongly.

How it works: files are read once, line by line. The small ones (keys, approvals, audit log, checkpoints) come first
and are held against each other. Deliveries, journals, plans and named gaps are ordered by receiver, so they are read
side by side and judged one receiver at a time, on all cores. Nothing is believed because the station says so where a
receiver's signature can say it.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import hashlib
import json
import os
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections import Counter, deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Deque, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.stderr.buffer.write(
        "Cần thư viện cryptography: chạy “pip install cryptography” rồi thử lại.\n".encode()
    )
    sys.exit(2)

FORMAT = "loa-evidence/1"
SMALL = ("keys.jsonl", "staff.jsonl", "approvals.jsonl", "audit.jsonl", "checkpoints.jsonl")
BY_RECEIVER = ("deliveries.jsonl", "gaps.jsonl", "journals.jsonl", "plans.jsonl")
FILES = frozenset(SMALL + BY_RECEIVER)
MANIFEST = "manifest.jws"
GENESIS = "0" * 64
TONE = "4a7603764d1b03f10464168a79b0bbe62499463e435dcf7f0ce8b22968b1aa3b"
"""The test tone every receiver has: playing it is no broadcast."""
FOREVER = 2**53
LINE_MOST = 4_000_000
PRINT_MOST = 200
KEEP_MOST = 5_000
"""Findings kept of each code; more are only counted."""
MANIFEST_MOST = 4_000_000
PACKED_MOST = 200
"""How many times larger a file may be than it is packed; no honest one comes near."""
AT_ONCE = 40
"""Receivers handed to a process together."""
MINUTE = 60_000
SLACK = 5 * MINUTE
"""By which the clocks of two honest machines may differ."""
CLASSES = {"normal": "N", "priority": "P", "emergency": "E"}
OPEN = frozenset({"planned", "sent", "accepted", "ready", "started"})
UNHEARD = OPEN | {"unknown"}
"""Nobody's last word: what a bundle must name as a gap."""
CHANGED, MISSING, DOUBT = "changed", "missing", "doubt"
EXIT_GOOD, EXIT_CHANGED, EXIT_UNREADABLE = 0, 1, 2
Json = Dict[str, Any]
Line = Tuple[int, bytes]


class Finding(NamedTuple):
    """Something that is not as it should be; ``row`` is a line number of ``file``, 0 where it is none's."""

    level: str
    code: str
    file: str
    row: int
    text: str


class Unreadable(Exception):
    """This is no bundle, or so damaged that nothing can be said of it."""


@dataclass
class Report:
    """What a verification found."""

    findings: List[Finding] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)  # type: ignore[type-arg]
    manifest: Json = field(default_factory=dict)
    signer: str = ""
    """Fingerprint of the key that signed the manifest."""
    is_anchored: bool = False

    said: Counter = field(default_factory=Counter)  # type: ignore[type-arg]
    """(level, code) → how often, whether kept or not."""

    def add(self, level: str, code: str, file: str, row: int, text: str) -> None:
        self.said[level, code] += 1
        if self.said[level, code] <= KEEP_MOST:
            self.findings.append(Finding(level, code, file, row, text))

    def take(self, other: Report) -> None:
        """What another found, too."""
        kept = self.said.copy()
        self.said += other.said
        self.counts += other.counts
        for each in other.findings:
            kept[each.level, each.code] += 1
            if kept[each.level, each.code] <= KEEP_MOST:
                self.findings.append(each)

    @property
    def is_good(self) -> bool:
        return not any(level == CHANGED for level, _ in self.said)

    def codes(self) -> Set[str]:
        return {each.code for each in self.findings}


# -- signatures and hashes -----------------------------------------------------------------------------


def b64d(text: str) -> bytes:
    """Base64url without padding, in the one way it can be written. Raises ValueError."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64e(raw) != text:
        raise ValueError("base64url viết sai cách")
    return raw


def b64e(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _object(pairs: List[Tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("một tên đứng hai lần")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError("“{}” không phải số".format(text))


def _float(text: str) -> float:
    found = float(text)
    if found in (float("inf"), float("-inf")):
        raise ValueError("số quá lớn")
    return found


def _int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > FOREVER:
        raise ValueError("số quá lớn")
    return int(text)


_plain_json = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float
)
_careful_json = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int
)
_LONG_NUMBER = re.compile(r"[0-9]{17}")


def load(raw: bytes) -> Any:
    """JSON that every reader reads alike: UTF-8, no name twice, no number beyond 2**53, no half of a character.

    Raises ValueError.
    """
    text = raw.decode("utf-8")
    careful = _LONG_NUMBER.search(text) is not None
    found = (_careful_json if careful else _plain_json).decode(text)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # a lone surrogate is a UnicodeEncodeError
    return found


def fingerprint(x: str) -> str:
    """What people compare: the first 32 hex digits of SHA-256 over the key's base64url text."""
    return hashlib.sha256(x.encode()).hexdigest()[:32]


_keys: Dict[str, Ed25519PublicKey] = {}
_headers: Dict[str, Json] = {}


def is_signed(x: str, message: bytes, signature: str) -> bool:
    """Whether the Ed25519 key ``x`` signed that message."""
    try:
        key = _keys.get(x)
        if key is None:
            key = _keys[x] = Ed25519PublicKey.from_public_bytes(b64d(x))
        key.verify(b64d(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def header_of(text: str) -> Json:
    """A token's protected header; empty when it is none."""
    if text not in _headers:
        if len(_headers) > 10_000:
            _headers.clear()
        try:
            found = load(b64d(text))
        except (ValueError, RecursionError):
            found = {}
        _headers[text] = found if isinstance(found, dict) else {}
    return _headers[text]


def opened(token: str, kind: str, keys: Dict[str, Json]) -> Tuple[Json, Json]:
    """(payload, key) of a compact JWS. Raises ValueError: it is none, or not signed by the key it names."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("không phải JWS")
    header = header_of(parts[0])
    key = keys.get(str(header.get("kid")))
    if header.get("alg") != "Ed25519" or header.get("typ") != kind or "crit" in header:
        raise ValueError("đầu JWS không đúng")
    if key is None:
        raise ValueError("ký bằng khoá “{}” không có trong gói".format(header.get("kid")))
    if not is_signed(key["x"], (parts[0] + "." + parts[1]).encode(), parts[2]):
        raise ValueError("chữ ký không khớp khoá “{}”".format(header.get("kid")))
    payload = load(b64d(parts[1]))
    if not isinstance(payload, dict):
        raise ValueError("nội dung JWS không phải đối tượng")
    return payload, key


def audit_hash(row: Json) -> str:
    """Of a row of the audit log: SHA-256 over the JSON array of its fields."""
    fields = [row[name] for name in ("n", "at", "actor", "kind", "data", "previous")]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def raw_entries(payload: bytes) -> List[bytes]:
    """The exact text of each entry of a batch, of which none has white space around it."""
    text, found = payload.decode(), []
    at = text.index('"e":[') + 5
    while text[at] != "]":
        _, end = json.JSONDecoder().raw_decode(text, at)
        found.append(text[at:end].encode())
        at = end + 1 if text[end] == "," else end
    return found


def first_hash(jid: str) -> bytes:
    """A journal's hash before its first entry."""
    return hashlib.sha256(b"loa/1 journal " + jid.encode()).digest()


# -- files ----------------------------------------------------------------------------------------------


class Source:
    """A file of the bundle, read once: its lines, and what the manifest must say of it."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.name, self.rows, self.size = name, 0, 0
        self._sha = hashlib.sha256()
        try:
            self._file: Any = archive.open(name)
        except KeyError:
            self._file = None
        self.is_there = self._file is not None

    def __iter__(self) -> Iterator[Line]:
        while self._file is not None:
            raw = self._file.readline(LINE_MOST)
            if not raw:
                return
            self._sha.update(raw)
            self.size += len(raw)
            self.rows += 1
            yield self.rows, raw

    def compare(self, said: Optional[Json], report: Report) -> None:
        """Hold what was read against the manifest. All lines must have been read."""
        if said is None:
            text = (
                "tệp này không có trong bản kê đã ký"
                if self.is_there
                else "bản kê không kể tệp này"
            )
            report.add(CHANGED, "file", self.name, 0, text)
        elif not self.is_there:
            report.add(
                CHANGED, "file", self.name, 0, "tệp có trong bản kê nhưng không có trong gói"
            )
        elif said != {"sha256": self._sha.hexdigest(), "bytes": self.size, "rows": self.rows}:
            text = "nội dung khác bản kê đã ký (có {} dòng, bản kê ghi {})".format(
                self.rows, said.get("rows")
            )
            report.add(CHANGED, "file", self.name, 0, text)


def parsed(line: Line, file: str, report: Report) -> Optional[Json]:
    """The object on that line; None, and a finding, where there is none."""
    try:
        found = load(line[1])
        why = ""
    except UnicodeError:
        found, why = None, ": có ký tự không phải UTF-8 hay bị cắt đôi"
    except (ValueError, RecursionError) as error:
        # The decoder's own words are English and name a place in the line, not a cause.
        told = not isinstance(error, json.JSONDecodeError) and not isinstance(error, RecursionError)
        found, why = None, ": {}".format(error) if told else ""
    if isinstance(found, dict):
        return found
    report.add(CHANGED, "shape", file, line[0], "dòng không đọc được" + why)
    return None


SHAPE = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OverflowError)
Kinds = Tuple[type, ...]
_NONE = type(None)


def why(error: BaseException) -> str:
    """What is wrong with the shape of a row, for a person."""
    if isinstance(error, KeyError):
        return "thiếu “{}”".format(error.args[0] if error.args else "")
    if isinstance(error, UnicodeError):
        return "có ký tự không đọc được"
    if type(error) is ValueError and error.args:
        return str(error)
    return "giá trị sai kiểu"


def demand(row: Json, kinds: Dict[str, Kinds]) -> None:
    """Raise ValueError where a member is of another kind: 1, 1.0 and true must not pass for each other."""
    for name, kind in kinds.items():
        if type(row[name]) not in kind:
            raise ValueError("“{}” sai kiểu".format(name))


def kinds_of(**names: str) -> Dict[str, Kinds]:
    """Kind of value → names with blanks between; ``_or_none`` behind the kind lets it be absent."""
    known: Dict[str, type] = {
        "integer": int,
        "text": str,
        "truth": bool,
        "object": dict,
        "list": list,
    }
    found: Dict[str, Kinds] = {}
    for kind, words in names.items():
        plain = known[kind.partition("_")[0]]
        for name in words.split():
            found[name] = (plain, _NONE) if kind.endswith("_or_none") else (plain,)
    return found


SAID = kinds_of(
    integer="since until made_at", text="format", object="station audit files", list="unguarded",
    text_or_none="campaign",
)  # fmt: skip
STRETCH = kinds_of(integer="first last", text="previous head")
KEY = kinds_of(integer="since until", text="kind x")
AUDIT_ROW = kinds_of(integer="n at", text="actor kind data previous hash")
DECISION = kinds_of(
    integer="id bulletin at", truth="approved complete", object="sounds", text="login",
    integer_or_none="ended_at",
)  # fmt: skip
ROW = kinds_of(
    text="rid occ priority state", integer="starts_at", list="approvers",
    integer_or_none="bulletin alert ms rev accepted_at ready_at started_at started_raw_at ended_at late_ms played_ms "
    "volume",
    text_or_none="sha last_sha reason rel evidence",
)  # fmt: skip


# -- the small files ------------------------------------------------------------------------------------


@dataclass
class Context:
    """What judging one receiver needs to know of the whole."""

    since: int = 0
    until: int = 0
    is_whole: bool = True
    """A period, not one campaign: nothing that sounded in it may be missing."""
    station: Dict[str, Json] = field(default_factory=dict)
    receivers: Dict[str, List[Json]] = field(default_factory=dict)
    approvals: Dict[int, List[Json]] = field(default_factory=dict)
    documents: List[Tuple[int, str, int]] = field(default_factory=list)
    """(version, text, line) of the keys documents that the station's roots signed."""
    campaign: Optional[str] = None
    alone: List[Tuple[str, int, List[str], int]] = field(default_factory=list)
    """(login, alert, sounds, number of the audit row) of officers who sounded an alert on their own word."""
    journals: Dict[Tuple[str, str, str], int] = field(default_factory=dict)
    """What the audit log tells of journals: (kind, receiver, jid) → when."""
    begins_at: int = FOREVER
    """When the stretch of the audit log in the bundle begins."""


def read_manifest(archive: zipfile.ZipFile, report: Report) -> str:
    """The manifest's token; what it says goes into the report, unchecked."""
    try:
        if archive.getinfo(MANIFEST).file_size > MANIFEST_MOST:
            raise ValueError("quá dài")
        token = archive.read(MANIFEST).decode("ascii")
        report.manifest = load(b64d(token.split(".")[1]))
        ok = report.manifest["format"] == FORMAT
    except SHAPE as error:
        raise Unreadable("Trong gói không có bản kê {} đọc được.".format(MANIFEST)) from error
    if not ok:
        raise Unreadable("Gói theo định dạng “{}”, chương trình này chỉ đọc {}.".format(
            report.manifest["format"], FORMAT))  # fmt: skip
    try:
        _check_said(report.manifest)
    except SHAPE as error:
        raise Unreadable("Bản kê {} không đúng dạng: {}.".format(MANIFEST, why(error))) from error
    return token


def _check_said(said: Json) -> None:
    """The manifest's shape. Raises one of SHAPE."""
    demand(said, SAID)
    demand(said["audit"], STRETCH)
    demand(said["station"], kinds_of(text="name timezone"))
    if not 0 <= said["since"] <= said["until"] <= FOREVER or said["audit"]["first"] < 1:
        raise ValueError("kỳ không đúng")
    # Whoever names no campaign claims a whole period.
    if said["campaign"] is not None and not said["campaign"].strip():
        raise ValueError("tên chiến dịch trống")
    if not all(isinstance(each, str) for each in said["unguarded"]):
        raise ValueError("“unguarded” sai kiểu")
    if not all(isinstance(each, dict) for each in said["files"].values()):
        raise ValueError("“files” sai kiểu")


# -- the archive ----------------------------------------------------------------------------------------


def check_archive(archive: zipfile.ZipFile, report: Report) -> None:
    """Nothing in the ZIP that one reader would see and another not. Raises Unreadable: it is not safe to read."""
    for info in archive.infolist():
        if info.flag_bits & 0x1:
            raise Unreadable("Tệp {} trong gói bị khoá bằng mật khẩu.".format(info.filename))
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("Tệp {} trong gói nén theo cách lạ.".format(info.filename))
        if info.file_size > info.compress_size * PACKED_MOST + 1_000_000:
            text = "Tệp {} bung ra gấp {} lần: đây là bom nén, không phải chứng cứ."
            raise Unreadable(
                text.format(info.filename, info.file_size // max(info.compress_size, 1))
            )
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) and info.filename in FILES | {MANIFEST}:
            report.add(
                CHANGED, "file", info.filename, 0, "không phải tệp thường (liên kết hay thư mục)"
            )
    names = archive.namelist()
    for name in sorted(set(names) - FILES - {MANIFEST}):
        away = name.startswith(("/", "\\")) or ".." in name or ":" in name
        text = "tệp lạ trong gói, mang đường dẫn ra ngoài" if away else "tệp lạ trong gói"
        report.add(CHANGED, "file", name, 0, text)
    for name in sorted(name for name, often in Counter(names).items() if often > 1):
        report.add(CHANGED, "file", name, 0, "tệp có hai lần trong gói")
    if archive.comment:
        report.add(CHANGED, "file", "", 0, "gói mang ghi chú lạ")
    if any(_hidden(archive)):
        report.add(CHANGED, "file", "", 0, "trong gói có dữ liệu giấu ngoài các tệp đã kể")


def _hidden(archive: zipfile.ZipFile) -> Iterator[bool]:
    """For each file, and the end, whether something stands before it that the directory does not tell of."""
    file: Any = archive.fp
    at = 0
    for info in sorted(archive.infolist(), key=lambda each: each.header_offset):
        yield not 0 <= info.header_offset - at <= 0
        file.seek(info.header_offset)
        head = file.read(30)
        if len(head) < 30:
            yield True
            return
        name, extra = struct.unpack("<HH", head[26:30])
        at = info.header_offset + 30 + name + extra + info.compress_size
        if info.flag_bits & 0x8:  # lengths behind the data, by whoever could not go back
            at += _descriptor(file, at)
    yield at != int(getattr(archive, "start_dir", at))


def _descriptor(file: Any, at: int) -> int:
    """Length of the data descriptor at that place."""
    file.seek(at)
    found = file.read(24)
    signed = 4 if found[:4] == b"PK\x07\x08" else 0
    for length in (12, 20):
        if found[signed + length : signed + length + 2] == b"PK":
            return signed + length
    return signed + 12


def read_keys(source: Source, context: Context, report: Report) -> None:
    for line in source:
        row = parsed(line, source.name, report)
        if row is None:
            continue
        try:
            if row.get("kind") == "document":
                demand(row, kinds_of(integer="kv", text="jws"))
                context.documents.append((row["kv"], row["jws"], line[0]))
                continue
            demand(row, KEY)
            if len(b64d(row["x"])) != 32:
                raise ValueError("“x” không phải khoá")
            if row["kind"] == "station":
                demand(row, kinds_of(text="kid", list="roles"))
                known = context.station.setdefault(row["kid"], row)
                if known is not row:
                    report.add(
                        CHANGED,
                        "key",
                        source.name,
                        line[0],
                        "hai khoá của đài cùng tên {}".format(row["kid"]),
                    )
            else:
                demand(row, kinds_of(text="rid"))
                _add_receiver_key(context, row, line, report)
        except SHAPE as error:
            text = "dòng khoá không đúng dạng: {}".format(why(error))
            report.add(CHANGED, "shape", source.name, line[0], text)
    for rid, keys in context.receivers.items():
        ordered = sorted(keys, key=lambda key: key["since"])
        ends = [key["until"] for key in ordered]
        if ends != [key["since"] for key in ordered[1:]] + [FOREVER]:
            text = "các đoạn thời gian của khoá đầu thu {} không nối nhau".format(rid)
            report.add(CHANGED, "key", source.name, 0, text)


def _add_receiver_key(context: Context, row: Json, line: Line, report: Report) -> None:
    known = context.receivers.setdefault(row["rid"], [])
    if any(row["since"] < other["until"] and other["since"] < row["until"] for other in known):
        text = "đầu thu {} có hai khoá cùng một lúc: một khoá đã được chèn thêm".format(row["rid"])
        report.add(CHANGED, "key", "keys.jsonl", line[0], text)
    known.append(row)


class Document(NamedTuple):
    """A keys document: the station's keys from then on, as its roots vouch for them."""

    line: int
    iat: int
    keys: Dict[str, Json]
    roots: Dict[str, str]
    """kid → key."""
    need: int
    signers: Set[str]
    """Keys of the roots, old or new, that signed it."""


ROOT_KEY = kinds_of(text="kid x")
DOCUMENT_KEY = {**kinds_of(text="kid x", list="roles"), "from": (int,), "until": (int,)}


def read_document(text: str, line: int, before: Optional[Document]) -> Document:
    """That document, signed by enough roots of the one before and of its own. Raises one of SHAPE."""
    token = load(text.encode())
    said = load(b64d(token["payload"]))
    demand(said, kinds_of(integer="kv iat", list="keys"))
    for one in said["keys"]:
        demand(one, DOCUMENT_KEY)
    for one in said.get("roots", ()):
        demand(one, ROOT_KEY)
    own = {one["kid"]: one["x"] for one in said.get("roots", ())}
    roots = own or (before.roots if before else {})
    known = {**(before.roots if before else {}), **own}
    signers = {x for kid, x in known.items() if _has_signed(token, kid, x)}
    needs = [(roots, int(said.get("need", 1)))] + ([(before.roots, before.need)] if before else [])
    for those, need in needs:
        if need < 1 or len(signers & set(those.values())) < need:
            raise ValueError("không đủ chữ ký của khoá gốc")
    keys = {one["kid"]: one for one in said["keys"]}
    return Document(line, said["iat"], keys, roots, int(said.get("need", 1)), signers)


def _has_signed(token: Json, kid: str, x: str) -> bool:
    for one in token["signatures"]:
        header = header_of(one["protected"])
        wanted = (header.get("alg"), header.get("typ"), header.get("kid")) == (
            "Ed25519",
            "loa-keys",
            kid,
        )
        message = "{}.{}".format(one["protected"], token["payload"]).encode()
        if wanted and "crit" not in header and is_signed(x, message, one["signature"]):
            return True
    return False


def check_documents(context: Context, anchors: Sequence[str], report: Report) -> Set[str]:
    """The station's keys are those its roots vouch for; returns the keys vouched for by a root the reader knows."""
    found: List[Document] = []
    vouched: Set[str] = set()
    is_trusted, last = False, 0
    for kv, text, line in context.documents:
        try:
            if kv <= last:
                raise ValueError("sai thứ tự")
            one = read_document(text, line, found[-1] if found else None)
        except SHAPE as error:
            report.add(
                CHANGED, "document", "keys.jsonl", line, "bản khoá số {}: {}".format(kv, why(error))
            )
            return set()
        last = kv
        found.append(one)
        is_trusted |= any(fingerprint(x) in anchors for x in one.signers)
        if is_trusted:
            vouched |= {key["x"] for key in one.keys.values()}
        report.counts["documents"] += 1
    if found:
        _hold_keys(found, context, report)
    return vouched


def _hold_keys(found: Sequence[Document], context: Context, report: Report) -> None:
    """Each key of the station has the time and the rights that the documents give it."""
    told: Dict[str, Json] = {}
    for one in found:
        for kid, key in told.items():
            if kid not in one.keys:
                key["until"] = min(key["until"], one.iat)
        told.update({kid: dict(key) for kid, key in one.keys.items()})
    for kid, row in context.station.items():
        vouched = told.get(kid)
        if vouched is None:
            report.counts["keys_unvouched"] += 1
        elif (row["x"], row["since"], row["until"], row["roles"]) != (
            vouched["x"], vouched["from"], vouched["until"], vouched["roles"],
        ):  # fmt: skip
            text = "khoá {} của đài khác bản khoá mà khoá gốc đã ký".format(kid)
            report.add(CHANGED, "document", "keys.jsonl", 0, text)


def check_manifest(token: str, context: Context, anchors: Sequence[str], report: Report) -> None:
    try:
        _, key = opened(token, "loa-evidence", context.station)
    except SHAPE as error:
        report.add(CHANGED, "manifest", MANIFEST, 0, "bản kê: {}".format(why(error)))
        return
    report.signer = fingerprint(key["x"])
    vouched = check_documents(context, anchors, report)
    report.is_anchored = report.signer in anchors or key["x"] in vouched
    if anchors and not report.is_anchored:
        text = "bản kê ký bằng khoá {}, không phải khoá của đài mà người kiểm biết".format(
            report.signer
        )
        report.add(CHANGED, "anchor", MANIFEST, 0, text)
    if "plan" not in key["roles"] or not key["since"] <= report.manifest["made_at"] < key["until"]:
        report.add(
            CHANGED,
            "key",
            MANIFEST,
            0,
            "khoá ký bản kê không còn hạn hoặc không có quyền lúc lập gói",
        )


def read_approvals(source: Source, context: Context, report: Report) -> None:
    seen = set()
    for line in source:
        row = parsed(line, source.name, report)
        try:
            if row is not None:
                demand(row, DECISION)
                if row["id"] in seen:
                    report.add(
                        CHANGED, "duplicate", source.name, line[0], "quyết định duyệt ghi hai lần"
                    )
                seen.add(row["id"])
                row["line"], row["n"] = line[0], None
                context.approvals.setdefault(row["bulletin"], []).append(row)
        except SHAPE as error:
            text = "dòng duyệt không đúng dạng: {}".format(why(error))
            report.add(CHANGED, "shape", source.name, line[0], text)


@dataclass
class AuditLog:
    """The hashes of a stretch of the log, and the rows that bear on approvals and keys."""

    first: int = 1
    hashes: bytearray = field(default_factory=bytearray)
    acts: List[Tuple[int, Json]] = field(default_factory=list)
    begins_at: int = FOREVER
    ends_at: int = 0
    is_simulated: bool = False
    """Receivers that exist only in a computer were made, whose keys the log does not tell."""

    @property
    def last(self) -> int:
        return self.first + len(self.hashes) // 32 - 1

    def hash(self, n: int) -> Optional[str]:
        at = (n - self.first) * 32
        return self.hashes[at : at + 32].hex() if self.first <= n <= self.last else None


KEPT = {
    "bulletin.approve": kinds_of(integer="bulletin", object="sounds"),
    "alert.alone": kinds_of(integer="alert", object="sounds"),
    "receiver.add": kinds_of(text="receiver"),
    "claim.taken": kinds_of(text="key"),
    "journal.closed": kinds_of(text="receiver jid"),
    "journal.tampered": kinds_of(text="receiver jid"),
}
"""Acts that bear on what is checked, and what of them is read."""


def read_audit(source: Source, said: Json, report: Report) -> AuditLog:
    log = AuditLog(first=int(said["first"]))
    n, previous = log.first, str(said["previous"])
    if log.first == 1 and previous != GENESIS:
        report.add(CHANGED, "audit", source.name, 0, "chuỗi không bắt đầu từ gốc")
    for line in source:
        row = parsed(line, source.name, report)
        try:
            if row is not None:
                demand(row, AUDIT_ROW)
            if row is None or (row["n"], row["previous"], row["hash"]) != (
                n,
                previous,
                audit_hash(row),
            ):
                where = "?" if row is None else row["n"]
                report.add(CHANGED, "audit", source.name, line[0],
                           "nhật ký hệ thống đứt chuỗi tại dòng số {} (chờ số {})".format(where, n))  # fmt: skip
            if row is not None:
                previous, n = row["hash"], row["n"]
                if len(previous) != 64:
                    raise ValueError("“hash” không phải SHA-256")
                log.hashes += bytes.fromhex(previous)
                _look_at_act(log, line, row, report)
        except SHAPE as error:
            text = "dòng nhật ký hệ thống không đúng dạng: {}".format(why(error))
            report.add(CHANGED, "shape", source.name, line[0], text)
        n += 1
    if (log.last, previous) != (said["last"], said["head"]):
        report.add(
            CHANGED, "audit", source.name, 0, "nhật ký hệ thống không kết thúc như bản kê ghi"
        )
    report.counts["audit"] = len(log.hashes) // 32
    return log


def _look_at_act(log: AuditLog, line: Line, row: Json, report: Report) -> None:
    if row["at"] < log.ends_at - SLACK:
        text = "giờ của dòng nhật ký hệ thống số {} lùi {} phút so với dòng trước".format(
            row["n"], (log.ends_at - row["at"]) // MINUTE
        )
        report.add(DOUBT, "audit_time", "audit.jsonl", line[0], text)
    log.begins_at = min(log.begins_at, row["at"])
    log.ends_at = max(log.ends_at, row["at"])
    log.is_simulated |= row["kind"] == "simulate.add"
    if row["kind"] in KEPT:
        data = load(row["data"].encode())
        demand(data, KEPT[row["kind"]])
        log.acts.append((line[0], {**row, "data": data}))


def check_approvals(log: AuditLog, context: Context, report: Report) -> None:
    """Every decision stands in the audit log, and every approval in that log among the decisions."""
    logged: Dict[Tuple[Any, ...], List[Tuple[int, int]]] = {}
    for line, act in log.acts:
        data = act["data"]
        if act["kind"] == "bulletin.approve":
            logged.setdefault(_approval_key(act["actor"], act["at"], data), []).append(
                (act["n"], line)
            )
        elif act["kind"] == "alert.alone":
            sounds = sorted(str(each) for each in data["sounds"].values())
            context.alone.append((act["actor"], data["alert"], sounds, act["n"]))
        elif act["kind"].startswith("journal."):
            context.journals[act["kind"], data["receiver"], data["jid"]] = act["at"]
    for decisions in context.approvals.values():
        for one in decisions:
            if not one["approved"]:
                continue
            report.counts["approvals"] += 1
            rows = logged.get(_approval_key(one["login"], one["at"], one))
            if rows:
                one["n"] = rows.pop(0)[0]
            elif one["at"] >= log.begins_at:
                report.add(CHANGED, "approval", "approvals.jsonl", one["line"],
                           "quyết định duyệt của {} không có trong nhật ký hệ thống, hoặc ghi khác giờ, khác âm thanh"
                           .format(one["login"]))  # fmt: skip
            else:
                report.add(MISSING, "approval_old", "approvals.jsonl", one["line"],
                           "quyết định duyệt có trước đoạn nhật ký hệ thống trong gói")  # fmt: skip
    for key, rows in logged.items():
        for _, line in rows:
            if key[2] in context.approvals:
                text = "{} đã duyệt bản tin {} nhưng gói không có quyết định ấy"
                report.add(CHANGED, "approval", "audit.jsonl", line, text.format(key[0], key[2]))


def _approval_key(login: str, at: int, said: Json) -> Tuple[Any, ...]:
    return (
        login,
        at,
        said["bulletin"],
        json.dumps(said["sounds"], sort_keys=True),
        said.get("complete"),
    )


def check_key_rows(log: AuditLog, context: Context, report: Report) -> None:
    """A receiver's key is the one that the audit log says was made known, from the moment it says so."""
    told: Dict[str, List[Tuple[str, int, int]]] = {}
    for line, act in log.acts:
        if act["kind"] == "receiver.add" and "key" in act["data"]:
            told.setdefault(act["data"]["receiver"], []).append(
                (act["data"]["key"], act["at"], line)
            )
        elif act["kind"] == "claim.taken":
            told.setdefault(act["actor"], []).append((act["data"]["key"], act["at"], line))
    for rid, keys in context.receivers.items():
        known = {key["x"] for key in keys} | {_short(key["x"]) for key in keys}
        for key in keys:
            _check_key(rid, key, told.get(rid, []), log, report)
        for x, at, line in told.get(rid, ()):
            if x not in known:
                text = "đầu thu {} nhận khoá {} lúc {}, mà gói không có khoá ấy".format(
                    rid, x[:8], _time(at)
                )
                report.add(CHANGED, "key", "audit.jsonl", line, text)


def _short(x: str) -> str:
    return hashlib.sha256(x.encode()).hexdigest()[:8]


def _check_key(
    rid: str, key: Json, told: Sequence[Tuple[str, int, int]], log: AuditLog, report: Report
) -> None:
    mine = [at for x, at, _ in told if x in (key["x"], _short(key["x"]))]
    if key["since"] < log.begins_at:
        report.counts["keys_told" if mine else "keys_untold"] += 1
    elif not mine and (told or not log.is_simulated):
        report.add(CHANGED, "key", "keys.jsonl", 0,
                   "khoá của đầu thu {} khác khoá mà nhật ký hệ thống ghi".format(rid))  # fmt: skip
    elif mine and key["since"] not in mine:
        report.add(CHANGED, "key", "keys.jsonl", 0,
                   "khoá của đầu thu {} được kể từ lúc khác lúc nhật ký hệ thống ghi".format(rid))  # fmt: skip
    else:
        report.counts["keys_told" if mine else "keys_untold"] += 1


def check_checkpoints(source: Source, log: AuditLog, context: Context, report: Report) -> None:
    last = 0
    for line in source:
        row = parsed(line, source.name, report)
        if row is None:
            continue
        try:
            said, key = opened(row["jws"], "loa-checkpoint", context.station)
            demand(said, kinds_of(integer="n at", text="h"))
            if said["n"] <= last:
                raise ValueError("lặp lại hoặc sai thứ tự")
            last = said["n"]
            if (said["n"], said["h"], said["at"]) != (row["n"], row["hash"], row["at"]):
                raise ValueError("nội dung ký khác dòng")
            if not key["since"] <= said["at"] < key["until"] or "plan" not in key["roles"]:
                raise ValueError(
                    "khoá ký không có hạn vào giờ ghi trong dấu mốc, hoặc không có quyền"
                )
            if log.hash(said["n"]) != said["h"]:
                raise ValueError(
                    "dòng nhật ký hệ thống số {} không còn như lúc ký".format(said["n"])
                )
            report.counts["checkpoints"] += 1
        except SHAPE as error:
            report.add(
                CHANGED,
                "checkpoint",
                source.name,
                line[0],
                "dấu mốc hằng giờ: {}".format(why(error)),
            )


BLOCK = re.compile("-----BEGIN LOA CHECKPOINT-----(.*?)-----END LOA CHECKPOINT-----", re.DOTALL)
TOKEN = re.compile("[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+")


def read_outside(path: str) -> List[str]:
    """The signed checkpoints in a file that somebody outside the station has kept. Raises Unreadable."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(LINE_MOST).decode("utf-8", "replace")
    except OSError as error:
        raise Unreadable("Không mở được {}: {}.".format(path, error.strerror)) from error
    found = ["".join(block.split()) for block in BLOCK.findall(text)]
    if not found or not all(TOKEN.fullmatch(each) for each in found):
        raise Unreadable(
            "Trong {} không có dấu mốc đọc được. Hãy dùng đúng tệp đài đã gửi.".format(path)
        )
    return found


def check_outside(
    tokens: Sequence[str], log: AuditLog, context: Context, made_at: int, report: Report
) -> None:
    """Hold the audit log against checkpoints that left the station: those nobody there can write anew."""
    for token in tokens:
        try:
            said, key = opened(token, "loa-checkpoint", context.station)
            demand(said, kinds_of(integer="n at", text="h"))
            if not key["since"] <= said["at"] < key["until"] or "plan" not in key["roles"]:
                raise ValueError(
                    "khoá ký không có hạn vào giờ ghi trong dấu mốc, hoặc không có quyền"
                )
        except SHAPE as error:
            report.add(CHANGED, "outside", "", 0, "dấu mốc gửi ra ngoài: {}".format(why(error)))
            continue
        ours, day = log.hash(said["n"]), _time(said["at"])
        if ours == said["h"]:
            report.counts["outside"] += 1
        elif ours is not None:
            text = "nhật ký hệ thống đã bị viết lại sau {}: dòng số {} không còn như dấu mốc gửi ra ngoài lúc ấy"
            report.add(CHANGED, "outside", "audit.jsonl", 0, text.format(day, said["n"]))
        elif said["n"] > log.last and said["at"] <= made_at:
            text = "nhật ký hệ thống đã bị cắt ngắn sau {}: lúc ấy có {} dòng, nay còn {}"
            report.add(CHANGED, "outside", "audit.jsonl", 0, text.format(day, said["n"], log.last))
        else:
            report.counts["outside_elsewhere"] += 1


# -- one receiver ---------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One line of a receiver's journal; ``at`` is its true time, ``received`` when the station took it in."""

    line: int
    jid: str
    seq: int
    occ: str
    code: str
    t: int
    src: str
    boot: int
    mono: int
    detail: Json
    at: int
    received: int
    closed: Optional[int]


class Plan(NamedTuple):
    """What is needed of a plan after its signature was checked."""

    line: int
    rev: int
    iat: int
    settings: Json
    sounds: Json
    occ: Dict[str, Json]
    chk: Optional[Json]


@dataclass
class Parcel:
    """All the bundle's lines of one receiver."""

    rid: str
    lines: Dict[str, List[Line]]


@dataclass
class Verdict:
    """What was found of some receivers, and the audit checkpoints they witness: (n, hash, file, line, who)."""

    report: Report = field(default_factory=Report)
    echoes: Dict[Tuple[int, str], Tuple[str, int, str]] = field(default_factory=dict)


_context = Context()


def _begin(context: Context) -> None:
    global _context
    _context = context


def judge_all(parcels: Sequence[Parcel]) -> Verdict:
    verdict = Verdict()
    for parcel in parcels:
        try:
            Judge(parcel, _context, verdict).judge()
        except SHAPE as error:
            text = "dữ liệu của đầu thu {} không đúng dạng: {}".format(parcel.rid, why(error))
            verdict.report.add(CHANGED, "shape", "journals.jsonl", 0, text)
    return verdict


class Judge:
    """Holds one receiver's journals, plans, rows and gaps against each other."""

    def __init__(self, parcel: Parcel, context: Context, verdict: Verdict) -> None:
        self.rid, self.lines, self.context = parcel.rid, parcel.lines, context
        self.report, self.echoes = verdict.report, verdict.echoes
        self.plans: Dict[int, Plan] = {}
        self.entries: List[Entry] = []
        self.by_occ: Dict[str, List[Entry]] = {}
        self.accepted: List[Tuple[int, int]] = []
        """(place in ``entries``, revision) of the plans it says it took."""
        self.gaps: Set[Tuple[str, str]] = set()

    def judge(self) -> None:
        self._read_plans()
        self._read_journals()
        self._look_at_clock()
        self._follow_plans()
        rows = self._read_rows()
        self._look_for_rows(rows)
        self._compare_gaps()

    def _add(self, level: str, code: str, file: str, line: int, text: str) -> None:
        self.report.add(level, code, file, line, "{}: {}".format(self.rid, text))

    def _objects(self, file: str) -> Iterator[Tuple[int, Json]]:
        for line in self.lines.get(file, ()):
            row = parsed(line, file, self.report)
            if row is not None and row.get("rid") != self.rid:
                self._add(CHANGED, "shape", file, line[0], "dòng ghi mã đầu thu theo hai cách")
            elif row is not None:
                yield line[0], row

    # Plans

    def _read_plans(self) -> None:
        last = 0
        for line, row in self._objects("plans.jsonl"):
            try:
                said, key = opened(row["jws"], "loa-plan", self.context.station)
                if said["rid"] != self.rid or said["rev"] != row["rev"]:
                    raise ValueError("lệnh đã ký là của đầu thu hoặc số khác")
                if not key["since"] <= said["iat"] < key["until"] or "plan" not in key["roles"]:
                    raise ValueError("khoá không có hạn vào lúc ký, hoặc không có quyền")
                if row["made_at"] != said["iat"]:
                    raise ValueError("giờ ghi khác giờ trong lệnh đã ký")
                if said["rev"] <= last:
                    raise ValueError("lệnh lặp lại hoặc sai thứ tự")
                last = said["rev"]
                occ = {one["id"]: one for one in said.get("occ", ())}
                if len(occ) != len(said.get("occ", ())):
                    raise ValueError("một lượt có hai lần trong lệnh")
                if "emergency" not in key["roles"] and any(
                    one.get("cls") == "E" for one in occ.values()
                ):
                    raise ValueError("lệnh khẩn cấp ký bằng khoá không có quyền khẩn cấp")
                plan = Plan(line, last, said["iat"], said["set"], said.get("aud", {}), occ,
                            said.get("chk"))  # fmt: skip
                self.plans[plan.rev] = plan
                self._witness(plan.chk, "plans.jsonl", line)
                self.report.counts["plans"] += 1
            except SHAPE as error:
                self._add(CHANGED, "plan", "plans.jsonl", line, "lệnh phát: {}".format(why(error)))

    def _witness(self, chk: Optional[Json], file: str, line: int) -> None:
        if chk and chk.get("n"):
            self.echoes.setdefault((int(chk["n"]), str(chk["h"])), (file, line, self.rid))

    # Journals

    def _read_journals(self) -> None:
        heads: Dict[str, _Chain] = {}
        for line, row in self._objects("journals.jsonl"):
            if "journal" in row:
                if row["jid"] in heads:
                    self._add(
                        CHANGED, "duplicate", "journals.jsonl", line, "nhật ký được kể hai lần"
                    )
                    continue
                heads[row["jid"]] = _Chain(row["jid"], row["journal"], line)
                continue
            chain = heads.get(row["jid"])
            if chain is None:
                self._add(
                    CHANGED,
                    "journal",
                    "journals.jsonl",
                    line,
                    "mục nhật ký không thuộc nhật ký nào đã kể",
                )
                continue
            self._take(chain, line, row)
        for chain in heads.values():
            self._end(chain)
        for entry in self.entries:
            if entry.occ:
                self.by_occ.setdefault(entry.occ, []).append(entry)

    def _take(self, chain: _Chain, line: int, row: Json) -> None:
        """Some entries, as they were taken in together: the chain goes on, and the signature covers them."""
        exact = [one.encode() for one in row["e"]]
        first = int(row["from"])
        if first > chain.seq + 1:
            text = "nhật ký thiếu các mục {}–{}".format(chain.seq + 1, first - 1)
            self._add(CHANGED, "journal_gap", "journals.jsonl", line, text)
            chain.seq, chain.is_broken = first - 1, True
        if first + len(exact) - 1 <= chain.seq:
            self._add(
                CHANGED, "duplicate", "journals.jsonl", line, "các mục nhật ký này đã có ở trên"
            )
            return
        said = self._signed(chain, line, row, exact) if "proof" in row else None
        if "proof" not in row and chain.is_signed:
            text = "các mục từ {} không còn chữ ký của đầu thu, dù mục trước đó có".format(first)
            self._add(CHANGED, "unsigned", "journals.jsonl", line, text)
        chain.is_signed |= "proof" in row
        known = chain.seq - first + 1
        if (
            chain.kept_from <= first
            and exact[:known]
            != chain.kept[first - chain.kept_from : chain.seq + 1 - chain.kept_from]
        ):
            self._add(CHANGED, "journal", "journals.jsonl", line, "mục gửi lại khác mục đã có")
        received = int(row["proof"]["received_at"]) if "proof" in row else int(row["received_at"])
        for number, raw in enumerate(exact[known:], known):
            chain.append(raw)
            self._enter(chain, line, json.loads(raw), said, row, number, received)
        if said is not None:
            self._prove(chain, line, row, said)

    def _signed(self, chain: _Chain, line: int, row: Json, exact: List[bytes]) -> Optional[Json]:
        """What the batch says besides its entries; None, and a finding, when its receiver did not sign that."""
        proof = row["proof"]
        if proof.get("after") is None:
            payload = proof["before"].encode()
        else:
            payload = proof["before"].encode() + b",".join(exact) + proof["after"].encode()
        header = header_of(proof["header"])
        good = (header.get("alg"), header.get("typ"), header.get("kid")) == (
            "Ed25519",
            "loa-events",
            self.rid,
        )
        message = proof["header"].encode() + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
        keys = self._keys_at(int(proof["received_at"]), chain)
        if not good or not any(is_signed(x, message, proof["sig"]) for x in keys):
            text = "nhật ký từ mục {}: chữ ký không phải của khoá đầu thu này lúc ấy".format(
                row["from"]
            )
            self._add(CHANGED, "journal_signature", "journals.jsonl", line, text)
            return None
        if proof.get("after") is None:
            said = json.loads(payload)
            ok = raw_entries(payload)[: len(exact)] == exact
        else:
            said = json.loads(proof["before"] + proof["after"])
            ok = not said["e"]
        if not ok or (said["rid"], said["jid"], said["from"]) != (self.rid, chain.jid, row["from"]):
            self._add(
                CHANGED, "journal_signature", "journals.jsonl", line, "lô đã ký thuộc chỗ khác"
            )
            return None
        self.report.counts["batches"] += 1
        if said["src"] == "ntp" and int(proof["received_at"]) < said["now"] - SLACK:
            text = "đài ghi nhận lô từ mục {} trước cả lúc đầu thu ký".format(row["from"])
            self._add(DOUBT, "clock", "journals.jsonl", line, text)
        return dict(said)

    def _keys_at(self, received: int, chain: _Chain) -> List[str]:
        """Its key then; for a journal that was closed also the key that it was closed with."""
        known = self.context.receivers.get(self.rid, [])
        return [
            key["x"]
            for key in known
            if key["since"] <= received < key["until"] or key["until"] == chain.closed
        ]

    def _enter(self, chain: _Chain, line: int, raw: List[Any], said: Optional[Json], row: Json, number: int,
               received: int) -> None:  # fmt: skip
        seq, occ, code, t, src, boot, mono = raw[:7]
        detail = raw[7] if len(raw) > 7 else {}
        if seq != chain.seq:
            self._add(
                CHANGED,
                "journal",
                "journals.jsonl",
                line,
                "mục nhật ký số {} đứng ở chỗ {}".format(seq, chain.seq),
            )
        at = t
        if src == "none" and said is not None and said["src"] != "none" and boot == said["boot"]:
            at = said["now"] - (said["mono"] - mono)
        elif src == "none" and said is None and "at" in row:
            at = row["at"][number]
        chain.begins_at = min(chain.begins_at, at)
        self.entries.append(
            Entry(
                line,
                chain.jid,
                seq,
                occ,
                code,
                t,
                src,
                boot,
                mono,
                detail,
                at,
                received,
                chain.closed,
            )
        )
        self.report.counts["entries"] += 1

    def _prove(self, chain: _Chain, line: int, row: Json, said: Json) -> None:
        """The signed head is the chain's: all entries up to here are the receiver's own word."""
        head = chain.head
        if row["proof"].get("after") is None:  # the rest of the batch was not taken in
            for raw in raw_entries(row["proof"]["before"].encode())[len(row["e"]) :]:
                head = hashlib.sha256(head + raw).digest()
        if said["head"] != head.hex():
            if not chain.is_broken:
                self._add(
                    CHANGED,
                    "journal_chain",
                    "journals.jsonl",
                    line,
                    "chuỗi băm của nhật ký không khớp đầu đã ký",
                )
            elif row["proof"].get("after") is not None:
                chain.head, chain.is_broken = bytes.fromhex(said["head"]), False
        chain.proven = chain.seq

    def _end(self, chain: _Chain) -> None:
        if chain.seq != chain.last:
            text = "nhật ký dừng ở mục {}, đài kể tới mục {}".format(chain.seq, chain.last)
            self._add(CHANGED, "journal_gap", "journals.jsonl", chain.line, text)
        elif chain.upto == chain.seq and chain.head.hex() != chain.said_head:
            self._add(
                CHANGED,
                "journal_chain",
                "journals.jsonl",
                chain.line,
                "nhật ký không kết thúc như đài kể",
            )
        if chain.proven < chain.seq:
            text = "mục {}–{} không có chữ ký của đầu thu, không chứng minh được gì".format(
                chain.proven + 1, chain.seq
            )
            self._add(CHANGED, "unsigned", "journals.jsonl", chain.line, text)
        if chain.tampered is not None:
            self.gaps.add(("contradicted", chain.jid))
        if chain.closed is not None:
            self.gaps.add(("closed", chain.jid))
        if self.context.is_whole and chain.start and chain.begins_at >= self.context.since:
            self.gaps.add(("cut", chain.jid))
        self._hold_against_log(chain)

    def _hold_against_log(self, chain: _Chain) -> None:
        """When it was closed or contradicted is the station's word: its keys and the audit log must say the same."""
        closed = self.context.journals.get(("journal.closed", self.rid, chain.jid))
        tampered = self.context.journals.get(("journal.tampered", self.rid, chain.jid))
        ends = [key["until"] for key in self.context.receivers.get(self.rid, ())]
        begins = self.context.begins_at
        if chain.closed is not None and chain.closed not in ends:
            text = "nhật ký bị kể là đóng vào lúc đầu thu không đổi khoá"
            self._add(CHANGED, "journal_closed", "journals.jsonl", chain.line, text)
        elif closed != chain.closed and (closed is not None or chain.closed >= begins):
            text = "lúc đóng nhật ký khác lúc ghi trong nhật ký hệ thống"
            self._add(CHANGED, "journal_closed", "journals.jsonl", chain.line, text)
        if tampered != chain.tampered and (tampered is not None or chain.tampered >= begins):
            text = "nhật ký hệ thống ghi đầu thu đã gửi nhật ký mâu thuẫn, gói kể khác"
            self._add(CHANGED, "journal", "journals.jsonl", chain.line, text)

    def _look_at_clock(self) -> None:
        """Within one boot the clock that never steps and the one that does go together, or the step is journalled."""
        before: Dict[Tuple[str, int], Entry] = {}
        for one in self.entries:
            last = before.get((one.jid, one.boot))
            before[one.jid, one.boot] = one
            if one.at > one.received + 5 * MINUTE and one.src != "none":
                self._add(
                    DOUBT,
                    "clock",
                    "journals.jsonl",
                    one.line,
                    "mục {} ghi giờ sau lúc đài nhận".format(one.seq),
                )
            if last is None or one.code == "clock":
                continue
            steady = one.mono - last.mono
            if steady < 0:
                self._add(
                    DOUBT,
                    "clock",
                    "journals.jsonl",
                    one.line,
                    "đồng hồ của mục {} chạy lùi".format(one.seq),
                )
            elif (
                one.src == last.src == "ntp"
                and abs(one.t - last.t - steady) > 2_000 + steady // 100
            ):
                text = "giờ của mục {} nhảy mà không có mục ghi chỉnh giờ".format(one.seq)
                self._add(DOUBT, "clock", "journals.jsonl", one.line, text)

    # What it was ordered

    def _follow_plans(self) -> None:
        """The plans it says it took are the plans in the bundle, with the checkpoint that it echoes."""
        earliest = min(self.plans, default=FOREVER)
        latest = max(self.plans, default=0)
        for place, one in enumerate(self.entries):
            if one.occ or one.code != "accepted":
                continue
            rev = int(one.detail.get("rev", 0))
            self.accepted.append((place, rev))
            self._witness(one.detail, "journals.jsonl", one.line)
            plan = self.plans.get(rev)
            if plan is None:
                by_now = rev <= latest or one.received < self.context.until
                if earliest <= rev and by_now:
                    text = "đầu thu đã nhận lệnh số {} mà gói không có".format(rev)
                    self._add(CHANGED, "plan_missing", "journals.jsonl", one.line, text)
            elif plan.chk and one.detail.get("h") and (plan.chk["n"], plan.chk["h"]) != (
                one.detail.get("n"), one.detail["h"],
            ):  # fmt: skip
                text = (
                    "lệnh số {} mang dấu mốc khác dấu mốc đầu thu đã ghi: lệnh đã bị thay".format(
                        rev
                    )
                )
                self._add(CHANGED, "plan", "plans.jsonl", plan.line, text)

    def _governing(self, occ: str, started: Optional[Entry]) -> Optional[Plan]:
        """The plan by which it played: the newest it had taken by then that orders it."""
        best = None
        by_word = set()
        for place, rev in self.accepted:
            if started is not None and self.entries[place].received > started.received and (
                self.entries[place].jid != started.jid
            ):  # fmt: skip
                continue
            if started is not None and self.entries[place].jid == started.jid and (
                self.entries[place].seq > started.seq
            ):  # fmt: skip
                continue
            by_word.add(rev)
        for rev, plan in self.plans.items():
            if (
                occ in plan.occ
                and (rev in by_word or not by_word)
                and (best is None or rev > best.rev)
            ):
                best = plan
        return best

    # The log's rows

    def _read_rows(self) -> Set[str]:
        seen: Set[str] = set()
        last: Tuple[int, str] = (-1, "")
        for line, row in self._objects("deliveries.jsonl"):
            try:
                demand(row, ROW)
                occ = row["occ"]
                if occ in seen:
                    self._add(
                        CHANGED,
                        "duplicate",
                        "deliveries.jsonl",
                        line,
                        "lượt {} ghi hai lần".format(occ),
                    )
                elif (row["starts_at"], occ) <= last:
                    self._add(
                        CHANGED,
                        "order",
                        "deliveries.jsonl",
                        line,
                        "dòng của lượt {} sai thứ tự".format(occ),
                    )
                seen.add(occ)
                last = (row["starts_at"], occ)
                self._check_row(line, row)
                self.report.counts["rows"] += 1
            except SHAPE as error:
                self._add(
                    CHANGED,
                    "shape",
                    "deliveries.jsonl",
                    line,
                    "dòng không đúng dạng: {}".format(why(error)),
                )
        if seen and not self.entries:
            self.gaps.add(("never_heard", ""))
        if seen and self.rid not in self.context.receivers:
            self._add(
                CHANGED, "key", "keys.jsonl", 0, "sổ có đầu thu này mà gói không có khoá của nó"
            )
        return seen

    def _check_row(self, line: int, row: Json) -> None:
        def wrong(code: str, text: str) -> None:
            self._add(
                CHANGED, code, "deliveries.jsonl", line, "lượt {}: {}".format(row["occ"], text)
            )

        if (
            self.context.is_whole
            and not self.context.since <= row["starts_at"] < self.context.until
        ):
            wrong("period", "giờ hẹn nằm ngoài kỳ của gói")
        if not self.context.is_whole and row.get("campaign") != self.context.campaign:
            wrong("period", "dòng không thuộc chiến dịch của gói")
        told = [one for one in self.by_occ.get(row["occ"], ()) if counts(one, row["starts_at"])]
        for name, said, proven in differences(row, told):
            wrong("row", "cột “{}” ghi {}, nhật ký đầu thu nói {}".format(name, said, proven))
        if row["state"] in UNHEARD:
            self.gaps.add(("unconfirmed", row["occ"]))
        if any(one.code == "played" for one in told):
            self.report.counts["played"] += 1
        started = next((one for one in reversed(told) if one.code == "started"), None)
        if row["rev"] is not None:
            self._check_order(row, started, told, wrong)
        elif started is not None:
            wrong("plan", "đầu thu đã phát lượt không có lệnh nào")
        elif any(row["occ"] in plan.occ for plan in self.plans.values()):
            wrong("plan", "sổ ghi chưa ra lệnh, mà một lệnh đã ký có lượt này")

    def _check_order(
        self, row: Json, started: Optional[Entry], told: List[Entry], wrong: Any
    ) -> None:
        """The row against the plan by which it was ordered, and the plan against journal and approvals."""
        first = self.plans.get(row["rev"])
        if first is None or row["occ"] not in first.occ:
            wrong(
                "plan_missing",
                "lệnh số {} không có trong gói hoặc không ra lệnh lượt này".format(row["rev"]),
            )
        plan = self._governing(row["occ"], started)
        if plan is None:
            return
        asked = plan.occ[row["occ"]]
        sound = plan.sounds.get(asked["sha"], {})
        if asked["at"] != row["starts_at"]:
            wrong(
                "order_time",
                "giờ hẹn {} khác giờ trong lệnh đã ký {}".format(row["starts_at"], asked["at"]),
            )
        if asked.get("cls", "N") != CLASSES[row["priority"]] and started is not None:
            wrong("order_class", "mức ưu tiên khác lệnh đã ký")
        if started is not None:
            self._check_sounding(row, plan, asked, sound, started, told, wrong)
        else:
            self._check_expected(row, wrong)
        if asked.get("st", "on") == "on":
            self._check_approval(row, plan, asked, started, wrong)

    def _check_expected(self, row: Json, wrong: Any) -> None:
        """Of what did not sound, the row expects what some plan ordered."""
        orders = [
            (plan, plan.occ[row["occ"]]) for plan in self.plans.values() if row["occ"] in plan.occ
        ]
        if row["sha"] is not None and row["sha"] not in [one["sha"] for _, one in orders]:
            wrong("sound", "không lệnh nào ra lệnh phát âm thanh mà sổ ghi")
            return
        same = [(plan, one) for plan, one in orders if one["sha"] == row["sha"]]
        if same and all(one.get("cls", "N") != CLASSES[row["priority"]] for _, one in same):
            wrong("order_class", "mức ưu tiên khác mọi lệnh đã ký")
        if same and all(list(one.get("apv", ())) != row["approvers"] for _, one in same):
            wrong("approval", "người duyệt ghi trong sổ khác mọi lệnh đã ký")
        lengths = [
            plan.sounds.get(one["sha"], {}).get("ms") for plan, one in same if "rel" not in one
        ]
        if lengths and row["ms"] not in lengths and lengths[-1] is not None:
            wrong("order_ms", "thời lượng yêu cầu khác mọi lệnh đã ký")

    def _check_sounding(self, row: Json, plan: Plan, asked: Json, sound: Json, started: Entry, told: List[Entry],
                        wrong: Any) -> None:  # fmt: skip
        if asked["sha"] == row["last_sha"] and row["sha"] != asked["sha"]:
            text = "lượt {}: đầu thu phát bản đã duyệt trước đó".format(row["occ"])
            self._add(DOUBT, "older_sound", "deliveries.jsonl", 0, text)
        elif row["sha"] != asked["sha"]:
            wrong("sound", "âm thanh ghi trong sổ khác âm thanh của lệnh đầu thu đã theo")
        if str(started.detail.get("sha", asked["sha"][:16])) != asked["sha"][:16]:
            wrong("sound", "đầu thu phát âm thanh khác âm thanh của lệnh")
        due = asked["at"] + int(plan.settings.get("delay_ms", 0))
        if started.at < due - MINUTE:
            wrong("order_time", "đầu thu phát trước giờ hẹn")
        if asked.get("onint", "stop") != "restart" and started.src == "ntp" and (
            abs(started.t - due - int(started.detail.get("late_ms", 0))) > 2_000
        ):  # fmt: skip
            wrong("order_time", "độ trễ đầu thu ghi không khớp giờ hẹn trong lệnh")
        most = 0 if plan.settings.get("mute") else int(plan.settings.get("vol", 70))
        if asked.get("cls") != "E" and "vol" in asked:
            most = min(most, asked["vol"])
        if int(started.detail.get("vol", 0)) > most:
            wrong("volume", "âm lượng cao hơn lệnh đã ký ({})".format(most))
        if "rel" in asked:
            return
        if row["ms"] != sound.get("ms", row["ms"]):
            wrong(
                "order_ms",
                "thời lượng yêu cầu {} khác lệnh đã ký {}".format(row["ms"], sound.get("ms")),
            )
        ms = int(sound.get("ms", 0))
        for one in told:
            if one.code == "played" and int(one.detail.get("asked", ms)) != ms:
                wrong("order_ms", "đầu thu được yêu cầu thời lượng khác lệnh trong gói")

    def _check_approval(
        self, row: Json, plan: Plan, asked: Json, started: Optional[Entry], wrong: Any
    ) -> None:
        """Whoever the signed plan names had approved that very sound when it was signed."""
        names = list(asked.get("apv", ()))
        if started is not None and row["sha"] == asked["sha"] and names != row["approvers"]:
            wrong("approval", "người duyệt ghi trong sổ khác lệnh đã ký")
        good = [
            one for one in self.context.approvals.get(row["bulletin"], ())
            if one["approved"] and asked["sha"] in one["sounds"].values() and one["at"] <= plan.iat
            and (one["ended_at"] is None or one["ended_at"] >= plan.iat)
        ]  # fmt: skip
        # The plan says how far the audit log went when it was signed, and its receiver has journalled that.
        upto = int(plan.chk["n"]) if plan.chk else FOREVER
        late = [one for one in good if one["n"] is not None and one["n"] > upto]
        if late:
            text = "quyết định duyệt của {} được ghi vào nhật ký hệ thống sau khi ra lệnh"
            wrong("approval", text.format(late[0]["login"]))
        good = [one for one in good if one not in late]
        alone = {
            login for login, alert, sounds, n in self.context.alone
            if alert == row["alert"] and asked["sha"] in sounds and n <= upto
        }  # fmt: skip
        for login in names:
            if login not in alone and not any(one["login"] == login for one in good):
                wrong("approval", "không có quyết định duyệt của {} cho âm thanh này".format(login))
        if not names or not (alone or any(one["complete"] for one in good)):
            wrong("approval", "âm thanh chưa đủ người duyệt khi ký lệnh")

    # What is not there

    def _look_for_rows(self, rows: Set[str]) -> None:
        """What plans ordered in the period, and what sounded in it, stands in the log."""
        if not self.context.is_whole:
            return
        ordered: Dict[str, Tuple[Plan, Json]] = {}
        for plan in self.plans.values():
            for occ, one in plan.occ.items():
                ordered[occ] = (plan, one)
        for occ, (plan, asked) in ordered.items():
            if (
                occ not in rows
                and self.context.since <= asked["at"] < self.context.until
                and asked["sha"] != TONE
            ):
                self._add(
                    CHANGED,
                    "row_missing",
                    "plans.jsonl",
                    plan.line,
                    "lệnh có lượt {} mà sổ không ghi".format(occ),
                )
        for occ, told in self.by_occ.items():
            if occ in rows or occ.startswith(("local.", "tone.")):
                continue
            if occ in ordered:
                self._look_at_tone(occ, ordered[occ], told)
                continue
            done = (one for one in told if one.code in HAPPENED)
            entry = next(
                (one for one in done if self.context.since <= one.at < self.context.until), None
            )
            if entry is not None:
                text = "đầu thu ghi lượt {} ({}) mà sổ và lệnh không ghi".format(
                    occ, HAPPENED[entry.code]
                )
                self._add(CHANGED, "row_missing", "journals.jsonl", entry.line, text)

    def _look_at_tone(self, occ: str, order: Tuple[Plan, Json], told: Sequence[Entry]) -> None:
        """What a plan calls the test tone was the test tone."""
        plan, asked = order
        for one in told:
            sha = str(one.detail.get("sha", TONE[:16])) if one.code == "started" else TONE[:16]
            if asked["sha"] == TONE and sha[:16] != TONE[:16]:
                text = "lượt {} trong lệnh là âm thử, đầu thu đã phát âm thanh khác".format(occ)
                self._add(CHANGED, "row_missing", "plans.jsonl", plan.line, text)

    def _compare_gaps(self) -> None:
        """What is missing is named, and nothing is named that is not missing."""
        named: Dict[Tuple[str, str], int] = {}
        for line, row in self._objects("gaps.jsonl"):
            gap = str(row["gap"]), str(row.get("occ") or row.get("jid") or "")
            if gap in named:
                self._add(CHANGED, "duplicate", "gaps.jsonl", line, "chỗ thiếu được nêu hai lần")
            named[gap] = line
        for gap in sorted(self.gaps - named.keys()):
            self._add(
                CHANGED, "gap", "gaps.jsonl", 0, "chỗ thiếu “{} {}” không được nêu tên".format(*gap)
            )
        for gap in sorted(named.keys() - self.gaps):
            self._add(
                CHANGED,
                "gap",
                "gaps.jsonl",
                named[gap],
                "nêu thiếu “{} {}” mà dữ liệu vẫn có".format(*gap),
            )
        for kind, _ in self.gaps:
            self.report.counts["gap_" + kind] += 1


class _Chain:
    """A journal while its lines are read."""

    def __init__(self, jid: str, said: Json, line: int) -> None:
        self.jid, self.line = jid, line
        self.start = self.seq = int(said["start"])
        self.begins_at = FOREVER
        """The earliest moment any of its entries tells of."""
        """Number of the last entry read."""
        self.head = bytes.fromhex(said["start_hash"]) if self.seq else first_hash(jid)
        self.last, self.upto, self.said_head = (
            int(said["last"]),
            int(said["upto"]),
            str(said["head"]),
        )
        self.closed, self.tampered = said["closed_at"], said["tampered_at"]
        self.proven = self.seq
        self.is_broken = False
        self.is_signed = False
        """A line with its receiver's signature has come."""
        self.kept: List[bytes] = []
        """The newest entries, for batches that were sent again."""
        self.kept_from = self.seq + 1

    def append(self, raw: bytes) -> None:
        self.head = hashlib.sha256(self.head + raw).digest()
        self.seq += 1
        self.kept.append(raw)
        if len(self.kept) > 64:
            del self.kept[:32]
            self.kept_from += 32


# -- folding: journal entries → a row of the log ------------------------------------------------------------


class State(NamedTuple):
    """The part of a row that depends on whether the station had given up waiting."""

    state: str
    reason: Optional[str]
    ended_at: Optional[int]
    played_ms: Optional[int]


COLUMNS = (
    "accepted_at",
    "ready_at",
    "started_at",
    "started_raw_at",
    "late_ms",
    "volume",
    "rel",
    "evidence",
)
HAPPENED = {"started": "đã phát", "played": "đã phát", "interrupted": "bị ngắt"}
"""What a receiver may not have journalled of a broadcast that the log does not know."""
HEARD = ("stream", "fallback", "mixed", "none")


def counts(one: Entry, starts_at: int) -> bool:
    """Of a journal that was closed with its key, only what began before tells of a broadcast."""
    return one.closed is None or one.received < one.closed or starts_at < one.closed


def differences(row: Json, told: Sequence[Entry]) -> Iterator[Tuple[str, Any, Any]]:
    """(column, what the row says, what the journal proves) where they differ."""
    columns, states = folded(told)
    for name in COLUMNS:
        if row[name] != columns.get(name):
            yield name, row[name], columns.get(name)
    if not told:
        states = unheard(row)
    said = State(_plain(row["state"]), row["reason"], row["ended_at"], row["played_ms"])
    if said in states:
        return
    nearest = next(
        (one for one in states if one.state == said.state),
        max(states, key=lambda s: s.state != "unknown"),
    )
    for name, ours, proven in zip(State._fields, said, nearest):  # noqa: B905 - not on Python 3.9
        if ours != proven:
            yield name, row[name], proven


def unheard(row: Json) -> Set[State]:
    """What the station alone may say of a delivery nobody has spoken of."""
    waiting = {State(_plain(name), None, None, None) for name in ("planned", "unknown")}
    if row["rev"] is None and row["state"] in ("missed", "cancelled"):
        # No plan carried it, so it cannot have sounded; why is the station's own word.
        waiting.add(State(row["state"], row["reason"], row["ended_at"], None))
    return waiting


def _plain(state: str) -> str:
    return "planned" if state == "sent" else state


def _integer(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and abs(value) < 2**31 else None


def folded(told: Sequence[Entry]) -> Tuple[Json, Set[State]]:
    """The columns that follow from these entries, in their order, and the states that may."""
    columns: Json = {}
    states = {State("planned", None, None, None)}
    for one in told:
        states = {after for before in _given_up(states) for after in [_fold(before, one, columns)]}
        _note(one, columns)
    return columns, _given_up(states)


def _given_up(states: Set[State]) -> Set[State]:
    """The same, and those in which the station no longer waits, or wants again what was cancelled."""
    more = {one._replace(state="unknown") for one in states if one.state in OPEN}
    again = {
        State("planned", None, None, one.played_ms)
        for one in states
        if one.state in ("cancelled", "refused")
    }
    return states | more | again | {one._replace(state="unknown") for one in again}


def _fold(before: State, one: Entry, columns: Json) -> State:
    detail, code = one.detail, one.code
    if code == "accepted":
        waits = before.state in ("planned", "unknown", "cancelled", "refused")
        return State("accepted", None, None, before.played_ms) if waits else before
    if code == "ready":
        return (
            before._replace(state="ready")
            if before.state in ("planned", "accepted", "unknown")
            else before
        )
    if code == "started":
        return State("started", None, None, before.played_ms)
    if code == "played":
        return State("played", None, one.at, _integer(detail.get("ms")))
    if code in ("missed", "refused") and columns.get("started_at") is not None:
        is_cut = before.state == "started"
        return State("interrupted", "reset", one.at, before.played_ms) if is_cut else before
    if (
        code in ("interrupted", "failed", "missed", "refused", "cancelled")
        and before.state != "played"
    ):
        why = str(detail["why"])[:64] if "why" in detail else None
        ms = _integer(detail.get("at_ms")) if "at_ms" in detail else before.played_ms
        return State(code, why, one.at, ms)
    return before


def _note(one: Entry, columns: Json) -> None:
    detail, code = one.detail, one.code
    if code in ("played", "interrupted", "failed") and detail.get("rel") in HEARD:
        columns["rel"] = str(detail["rel"])
    if code == "accepted":
        columns["accepted_at"] = one.at
    elif code == "ready":
        columns["ready_at"] = one.at
    elif code == "started":
        columns["started_at"], columns["started_raw_at"] = one.at, one.t
        columns["late_ms"], columns["volume"] = (
            _integer(detail.get("late_ms")),
            _integer(detail.get("vol")),
        )
    elif code == "played":
        columns["evidence"] = str(detail.get("level", "E1"))[:4]


# -- all of it ----------------------------------------------------------------------------------------------


def verify(
    path: str,
    anchors: Sequence[str] = (),
    processes: Optional[int] = None,
    outside: Sequence[str] = (),
) -> Report:
    """Check the bundle at ``path``. Raises Unreadable.

    ``anchors``: fingerprints of station keys or roots the reader knows from elsewhere; ``outside``: files with
    checkpoints that left the station.
    """
    known = [anchor(each) for each in anchors]
    tokens = [token for each in outside for token in read_outside(each)]
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive, known, processes, tokens)
    except OSError as error:
        text = "Không mở được gói {}: {}.".format(path, error.strerror or "tệp hỏng")
        raise Unreadable(text) from error
    except BROKEN as error:
        raise Unreadable(
            "Không đọc được gói {}: không phải ZIP hoặc đã hỏng.".format(path)
        ) from error
    except SHAPE as error:
        raise Unreadable("Không đọc được gói {}: {}.".format(path, why(error))) from error


BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, RuntimeError, MemoryError)
"""What the library raises at a ZIP that is damaged, or was made to harm."""


def anchor(text: str) -> str:
    """A fingerprint as people write it, or the key itself. Raises Unreadable: a few digits prove nothing."""
    plain = re.sub(r"[\s:.-]", "", text).lower()
    if re.fullmatch("[0-9a-f]{32}", plain):
        return plain
    if re.fullmatch(r"[A-Za-z0-9_-]{43}", text.strip()):
        return fingerprint(text.strip())
    raise Unreadable(
        "“{}” không phải dấu vân tay khoá: cần đủ {} chữ số hệ 16, vì vài chữ số đầu thì giả được.".format(
            text, 32
        )
    )


def _verify(
    archive: zipfile.ZipFile,
    anchors: Sequence[str],
    processes: Optional[int],
    outside: Sequence[str],
) -> Report:
    report = Report()
    check_archive(archive, report)
    token = read_manifest(archive, report)
    said, files = report.manifest, report.manifest["files"]
    context = Context(said["since"], said["until"], said["campaign"] is None)
    context.campaign = said["campaign"]
    sources = {name: Source(archive, name) for name in sorted(FILES)}
    read_keys(sources["keys.jsonl"], context, report)
    check_manifest(token, context, anchors, report)
    read_approvals(sources["approvals.jsonl"], context, report)
    log = read_audit(sources["audit.jsonl"], said["audit"], report)
    context.begins_at = log.begins_at
    if log.ends_at > said["made_at"] + SLACK:
        text = "nhật ký hệ thống có dòng ghi giờ sau lúc lập gói"
        report.add(DOUBT, "audit_time", "audit.jsonl", 0, text)
    check_approvals(log, context, report)
    check_key_rows(log, context, report)
    check_checkpoints(sources["checkpoints.jsonl"], log, context, report)
    check_outside(outside, log, context, said["made_at"], report)
    deque(sources["staff.jsonl"], maxlen=0)
    _judge_receivers(sources, context, log, report, processes)
    for name, source in sources.items():
        source.compare(files.get(name), report)
    if said.get("unguarded"):
        text = "các bảng {} không còn khoá chống sửa trong cơ sở dữ liệu lúc lập gói".format(
            ", ".join(said["unguarded"])
        )
        report.add(DOUBT, "unguarded", MANIFEST, 0, text)
    return report


def _judge_receivers(
    sources: Dict[str, Source], context: Context, log: AuditLog, report: Report, processes: Optional[int]
) -> None:  # fmt: skip
    echoes: Dict[Tuple[int, str], Tuple[str, int, str]] = {}
    for verdict in _verdicts(by_receiver(sources, report), context, processes):
        report.take(verdict.report)
        for place, where in verdict.echoes.items():
            echoes.setdefault(place, where)
    for (n, h), (file, line, rid) in sorted(echoes.items()):
        ours = log.hash(n)
        if ours == h:
            report.counts["echoes"] += 1
        elif ours is not None or n > log.last:
            text = (
                "{}: dấu mốc nhật ký hệ thống số {} khác chuỗi trong gói: nhật ký hệ thống đã bị viết lại, "
                "hoặc đài đã phục hồi một bản sao cũ".format(rid, n)
            )
            report.add(CHANGED, "echo", file, line, text)
        else:
            report.counts["echoes_before"] += 1
    last = max([n for n, h in echoes if log.hash(n) == h], default=log.first - 1)
    report.counts["unwitnessed"] = log.last - last


def _verdicts(
    parcels: Iterator[Parcel], context: Context, processes: Optional[int]
) -> Iterator[Verdict]:
    groups = _groups(parcels)
    workers = processes if processes is not None else (os.cpu_count() or 1)
    first = next(groups, [])
    if workers <= 1 or len(first) < AT_ONCE:
        _begin(context)
        yield judge_all(first)
        for group in groups:
            yield judge_all(group)
        return
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=(context,)) as pool:
        under_way: Deque[Future[Verdict]] = deque([pool.submit(judge_all, first)])
        for group in groups:
            under_way.append(pool.submit(judge_all, group))
            if (
                len(under_way) > 2 * workers
            ):  # so that memory stays the same however long the bundle is
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _groups(parcels: Iterator[Parcel]) -> Iterator[List[Parcel]]:
    group: List[Parcel] = []
    for parcel in parcels:
        group.append(parcel)
        if len(group) >= AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def by_receiver(sources: Dict[str, Source], report: Report) -> Iterator[Parcel]:
    """The four files side by side, one receiver after the other."""
    streams = {name: _Stream(sources[name], report) for name in BY_RECEIVER}
    while True:
        waiting = [stream.rid for stream in streams.values() if stream.rid is not None]
        if not waiting:
            return
        rid = min(waiting)
        yield Parcel(rid, {name: stream.take(rid) for name, stream in streams.items()})


class _Stream:
    """A file whose lines are ordered by receiver; every line begins ``{"rid":"…",``."""

    def __init__(self, source: Source, report: Report) -> None:
        self._source, self._lines, self._report = source, iter(source), report
        self._line: Line = (0, b"")
        self.rid: Optional[str] = None
        self._next("")

    def _next(self, before: str) -> None:
        for line in self._lines:
            head, _, rest = line[1].partition(b'"')[2].partition(b'":"')
            rid = rest.partition(b'"')[0].decode("utf-8", "replace")
            if head != b"rid" or not rid:
                self._report.add(
                    CHANGED,
                    "shape",
                    self._source.name,
                    line[0],
                    "dòng không bắt đầu bằng mã đầu thu",
                )
                continue
            if rid < before:
                self._report.add(
                    CHANGED,
                    "order",
                    self._source.name,
                    line[0],
                    "dòng của đầu thu {} sai thứ tự".format(rid),
                )
            self._line, self.rid = line, rid
            return
        self.rid = None

    def take(self, rid: str) -> List[Line]:
        found = []
        while self.rid == rid:
            found.append(self._line)
            self._next(rid)
        return found


# -- words -------------------------------------------------------------------------------------------------


COUNTED = (
    ("rows", "dòng nhật ký phát khớp với nhật ký do đầu thu ký và với lệnh phát đã ký"),
    ("played", "trong đó đầu thu tự khẳng định đã phát hết"),
    ("entries", "mục nhật ký đầu thu nằm đúng chuỗi băm"),
    ("batches", "chữ ký của đầu thu đúng"),
    ("documents", "bản khoá của đài được khoá gốc ký"),
    ("plans", "lệnh phát có chữ ký của đài đúng và còn hạn"),
    ("approvals", "quyết định duyệt đã đối chiếu với nhật ký hệ thống"),
    ("audit", "dòng nhật ký hệ thống liền chuỗi"),
    ("checkpoints", "dấu mốc hằng giờ có chữ ký đúng"),
    ("outside", "dấu mốc gửi ra ngoài khớp với nhật ký hệ thống trong gói"),
    ("echoes", "dấu mốc nhật ký hệ thống được lệnh phát và đầu thu làm chứng"),
)
GAPS = (
    (
        "outside_elsewhere",
        "dấu mốc gửi ra ngoài chỉ tới đoạn không có trong gói: hãy xin gói kèm toàn bộ nhật ký",
    ),
    ("keys_unvouched", "khoá của đài không có bản khoá nào được khoá gốc ký nêu tên"),
    ("gap_unconfirmed", "lượt phát chưa có xác nhận của đầu thu"),
    ("gap_never_heard", "đầu thu chưa gửi về mục nhật ký nào"),
    ("gap_contradicted", "nhật ký đầu thu mâu thuẫn với phần đã gửi (đài giữ bản đầu tiên)"),
    (
        "gap_cut",
        "nhật ký đầu thu trong gói không bắt đầu trước kỳ: phần trước ở gói khác hoặc không còn",
    ),
    ("gap_closed", "nhật ký đầu thu đã đóng vì đổi khoá"),
    ("keys_untold", "khoá đầu thu không có dòng khai báo trong đoạn nhật ký hệ thống của gói"),
    (
        "unwitnessed",
        "dòng cuối nhật ký hệ thống chưa có đầu thu nào làm chứng: chỉ có chữ ký của chính đài",
    ),
    ("echoes_before", "dấu mốc chỉ tới đoạn nhật ký hệ thống trước gói"),
)


def plain(text: str) -> str:
    """Without what would move a terminal's cursor, turn the writing round or begin a line of its own."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def told(report: Report) -> Iterator[str]:
    """The report in words, a line each: proven, missing, changed."""
    return map(plain, _told(report))


def _told(report: Report) -> Iterator[str]:
    said = report.manifest
    yield "Gói chứng cứ của “{}”, kỳ {} – {}{}, lập lúc {}".format(
        said["station"]["name"], _time(said["since"]), _time(said["until"]),
        "" if said["campaign"] is None else ", chiến dịch “{}”".format(said["campaign"]), _time(said["made_at"]),
    )  # fmt: skip
    unsure = ". Hãy đối chiếu dấu vân tay này với đài; chưa đối chiếu thì chưa biết gói do ai lập"
    signer = report.signer or "(không xác định)"
    yield "Bản kê ký bằng khoá có dấu vân tay {}{}".format(
        signer, "" if report.is_anchored else unsure
    )
    yield ""
    yield "ĐÃ CHỨNG MINH" if report.is_good else "ĐÃ KIỂM (có chỗ không khớp, xem bên dưới)"
    for name, words in COUNTED:
        yield "  {} {}".format(report.counts[name], words)
    yield "CÒN THIẾU"
    gaps = [(report.counts[name], words) for name, words in GAPS if report.counts[name]]
    for count, words in gaps:
        yield "  {} {}".format(count, words)
    for level, title in ((MISSING, ""), (DOUBT, "ĐÁNG NGỜ"), (CHANGED, "ĐÃ BỊ THAY ĐỔI")):
        found = [each for each in report.findings if each.level == level]
        if title and found:
            yield title
        for each in found[:PRINT_MOST]:
            yield "  {}{}: {}".format(
                each.file, " dòng {}".format(each.row) if each.row else "", each.text
            )
        often = sum(number for (kind, _), number in report.said.items() if kind == level)
        if often > PRINT_MOST:
            yield "  … và {} chỗ nữa".format(often - PRINT_MOST)
    yield ""
    yield "KẾT LUẬN: " + (
        "không thấy chỗ nào bị thay đổi." if report.is_good else "GÓI ĐÃ BỊ THAY ĐỔI."
    )


def _time(ms: int) -> str:
    try:
        zone = datetime.timezone(datetime.timedelta(hours=7))
        return datetime.datetime.fromtimestamp(ms / 1000, zone).strftime("%d/%m/%Y %H:%M")
    except (ValueError, OverflowError, OSError):
        return "ngày không có thật ({})".format(ms)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description="Kiểm gói chứng cứ của đài truyền thanh dùng Loa.")
    parser.add_argument("file", metavar="GÓI.zip")
    parser.add_argument("--key", action="append", default=[], metavar="DẤU_VÂN_TAY",
                        help="dấu vân tay khoá của đài mà người kiểm biết từ nguồn khác")  # fmt: skip
    parser.add_argument("--checkpoint", action="append", default=[], metavar="TỆP",
                        help="tệp dấu mốc đài đã gửi ra ngoài, để biết nhật ký có bị viết lại từ đó không")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="in kết quả dạng JSON")
    parsed_ = parser.parse_args(arguments)
    return run(parsed_.file, parsed_.key, parsed_.json, parsed_.checkpoint)


def run(
    path: str, anchors: Sequence[str], as_json: bool = False, outside: Sequence[str] = ()
) -> int:
    """Verify and print; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a pipe on Windows knows no Vietnamese
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        report = verify(path, anchors, outside=outside)
    except Unreadable as error:
        print(plain(str(error)), file=sys.stderr)
        return EXIT_UNREADABLE
    if as_json:
        print(json.dumps({"good": report.is_good, "signer": report.signer, "anchored": report.is_anchored,
                          "counts": report.counts, "findings": [each._asdict() for each in report.findings]},
                         ensure_ascii=True, indent=1))  # fmt: skip
    else:
        for line in told(report):
            print(line)
    return EXIT_GOOD if report.is_good else EXIT_CHANGED


if __name__ == "__main__":
    sys.exit(main())
