"""What a burst leaves behind in memory; asked of glibc itself, in a process of its own."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from loa import memory

COUNT = """
import ctypes, sys, threading
from loa import memory
if sys.argv[1] == "thrifty":
    memory.be_thrifty()
together = threading.Barrier(12)
def work():
    kept = [bytes(2000) for _ in range(50)]
    together.wait(60)
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="glibc alone has arenas")
@pytest.mark.parametrize(("how", "is_few"), [("thrifty", True), ("as ever", False)])
def test_threads_share_what_they_take_memory_from(tmp_path, how, is_few) -> None:
    told = tmp_path / "malloc.xml"
    subprocess.run([sys.executable, "-c", COUNT, how, str(told)], check=True, timeout=120)
    assert (told.read_text().count("<heap nr=") <= memory.ARENAS) is is_few


def test_giving_back_may_be_asked_at_any_time() -> None:
    kept = [bytes(1000) for _ in range(1000)]
    memory.give_back()
    assert len(kept) == 1000
