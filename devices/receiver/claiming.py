"""``loa receiver claim``: a new box shows the station its key and the code a person has read to it, and is given
everything it needs. Nothing is written before the answer has been checked; the same command again is harmless.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from devices import admission, messages, signing
from devices.admission import Answer, Asking, BadClaim, Grant, Request
from devices.receiver import identity
from devices.receiver.identity import OutputName
from loa import times
from loa.errors import DeviceError

TIMEOUT_SECONDS = 20.0
JOURNAL = "receiver.db"
AGAIN = "Hãy kiểm tra rồi chạy lại đúng lệnh này; mã vẫn dùng được cho đến khi hết hạn."
Post = Callable[[str, bytes, str], tuple[int, bytes]]
"""(address, body, ca_file) → (status, body). Raises OSError or HTTPException."""


@dataclass(frozen=True)
class Claimed:
    """What became of it, for the person at the box."""

    rid: str
    host: str
    """Of the broker it is to connect to."""
    fingerprint: str
    """Of the key it has made; the station's page shows the same."""


def is_open(url: str) -> bool:
    """Whether what is sent there can be read on the way. Raises DeviceError for what is no address."""
    parts = _address(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def claim(
    url: str,
    serial: str,
    code: str,
    folder: Path,
    *,
    output: OutputName = "system",
    ca_file: str = "",
    post: Post | None = None,
) -> Claimed:
    """Claim the place the station keeps for ``serial``. Raises DeviceError in words for the person at the box."""
    address = _address(url)
    wanted, typed = _serial(serial), _code(code)
    _demand_empty(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = signing.key_at(folder / identity.KEY, wanted)
    asking = admission.ask(key, wanted, admission.code_key(typed, wanted), times.now())
    granted = _ask(address, asking, ca_file, post or _post)
    identity.adopt(folder, granted.station, granted.ca, output)
    return Claimed(granted.station.rid, granted.station.mqtt.host, signing.fingerprint(key.public))


def _demand_empty(folder: Path) -> None:
    """A claim begins a new life: a journal of another would be continued under a name that is not its own."""
    for name, what in ((identity.STATION, "đã được một đài nhận"), (JOURNAL, "đã có nhật ký phát")):
        if (folder / name).exists():
            raise DeviceError(
                f"Thư mục {folder} {what} (tệp {name}). Muốn cấp lại thì hãy chọn một thư mục mới, trống; "
                "giữ thư mục cũ làm bằng chứng."
            )


def _address(url: str) -> SplitResult:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    try:
        is_right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or parts.username or parts.query or parts.fragment:
        raise DeviceError(
            f"Địa chỉ đài “{url}” phải có dạng http://máy:cổng hoặc https://máy, như trang Thêm đầu thu ghi.",
            field="url",
        )
    return parts


def _serial(typed: str) -> str:
    serial = admission.plain_serial(typed)
    if serial is None:
        raise DeviceError(
            f"Số máy “{typed}” phải đúng như trang Thêm đầu thu ghi: 3–32 chữ không dấu, số, dấu chấm, gạch nối.",
            field="serial",
        )
    return serial


def _code(typed: str) -> str:
    code = admission.plain_code(typed)
    if code is None:
        raise DeviceError(
            f"Mã một lần “{typed}” phải gồm 8 chữ và số như ABCD-EFGH; trong mã không có 0, O, 1, I, L.",
            field="code",
        )
    return code


def _ask(address: SplitResult, asking: Asking, ca_file: str, post: Post) -> Grant:
    url = f"{address.scheme}://{address.netloc}{address.path.rstrip('/')}/claim"
    body = msgspec.json.encode(Request(asking.token.decode()))
    try:
        status, said = post(url, body, ca_file)
    except ssl.SSLError as error:
        raise DeviceError(
            f"Không tin được chứng chỉ của {address.netloc}: {getattr(error, 'verify_message', error)}. "
            "Nếu đài dùng CA riêng, hãy thêm --ca-file TỆP."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise DeviceError(f"Không gọi được đài ở {url}: {error}. {AGAIN}") from error
    if status != 200:
        raise DeviceError(_refusal(status, said, url))
    try:
        return admission.open_answer(asking, messages.decode(said, Answer))
    except (BadClaim, ValueError) as error:
        raise DeviceError(
            f"Câu trả lời từ {url} không phải của đài đã cấp mã này, nên không điều gì được nhận. "
            "Hãy xem lại địa chỉ đài; nếu đúng, hãy báo người quản trị: có thể có kẻ đứng giữa."
        ) from error


def _refusal(status: int, said: bytes, url: str) -> str:
    try:
        sentence = json.loads(said)["sentence"]
    except (ValueError, KeyError, TypeError, RecursionError):
        sentence = ""
    if isinstance(sentence, str) and sentence.isprintable() and sentence:
        return sentence[:500]
    where = "Đó có đúng là địa chỉ đài không?" if status in (301, 302, 307, 308, 404) else AGAIN
    return f"{url} trả lời {status}. {where}"


def _post(url: str, body: bytes, ca_file: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = _connect(parts, ca_file)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(admission.MAX_ANSWER_BYTES)
    finally:
        connection.close()


def _connect(parts: SplitResult, ca_file: str) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_SECONDS, context=context)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
