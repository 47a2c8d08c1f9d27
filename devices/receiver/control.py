"""A socket in the receiver's folder: by it its owner, or a switch on the pole, tells the running receiver something."""

from __future__ import annotations

import json
import logging
import os
import queue
import socket
import struct
import threading
from pathlib import Path
from typing import Literal

import msgspec

from devices.link import Incoming, Message
from loa.errors import DeviceError

log = logging.getLogger(__name__)

SOCKET = "control.sock"
ANSWER_SECONDS = 5.0
MOST_BYTES = 1_024
Act = Literal["play", "stop"]


class Told(Message, frozen=True):
    """An order from this machine; what became of it goes into ``answer``."""

    act: Act
    n: int
    answer: queue.SimpleQueue[str]


class _Request(msgspec.Struct, frozen=True):
    act: Act
    n: int = 0


class Control:
    """Listens in a thread of its own and hands orders to the receiver's inbox, one at a time."""

    def __init__(self, folder: Path, inbox: queue.Queue[Incoming]) -> None:
        self._path, self._inbox = folder / SOCKET, inbox
        self._path.unlink(
            missing_ok=True
        )  # of a life that ended by a power cut; the folder is locked by us
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _Near(folder) as near:
            self._socket.bind(str(near / SOCKET))
        self._path.chmod(0o600)
        self._socket.listen(4)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._over.set()
        # A blocked accept does not notice that its socket was closed; this wakes it.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=ANSWER_SECONDS)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                try:
                    self._answer(caller)
                except OSError as error:
                    log.warning("an order from this machine was lost: %s", error)

    def _answer(self, caller: socket.socket) -> None:
        caller.settimeout(ANSWER_SECONDS)
        raw = caller.recv(MOST_BYTES)
        if _uid(caller) not in (0, os.getuid()):
            caller.sendall("Chỉ người chạy đầu thu này mới được ra lệnh cho nó.".encode())
            return
        try:
            request = msgspec.json.decode(raw, type=_Request)
        except ValueError:
            caller.sendall("Lệnh không hợp lệ.".encode())
            return
        answer: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._inbox.put(Told("", b"", request.act, request.n, answer))
        try:
            caller.sendall(answer.get(timeout=ANSWER_SECONDS).encode())
        except queue.Empty:
            caller.sendall("Đầu thu đang bận, chưa trả lời. Hãy thử lại.".encode())


def tell(folder: Path, act: Act, n: int = 0) -> None:
    """Give the receiver running in ``folder`` an order. Raises DeviceError with its reason when it does not obey."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(2 * ANSWER_SECONDS)
        try:
            with _Near(folder) as near:
                line.connect(str(near / SOCKET))
            line.sendall(json.dumps({"act": act, "n": n}).encode())
            refusal = line.recv(MOST_BYTES).decode()
        except PermissionError as error:
            raise DeviceError("Chỉ người chạy đầu thu này mới được ra lệnh cho nó.") from error
        except OSError as error:
            raise DeviceError(
                f"Không có đầu thu nào đang chạy ở {folder}. Hãy chạy “loa receiver run {folder}” trước."
            ) from error
    if refusal != "ok":
        raise DeviceError(refusal or "Đầu thu dừng giữa chừng. Hãy thử lại.")


class _Near:
    """A folder by a short name: a socket's path may have no more than 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        self._handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return Path(f"/proc/self/fd/{self._handle}")

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _uid(caller: socket.socket) -> int:
    """Whose process is at the other end, by the kernel's word."""
    raw = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return int(uid)
