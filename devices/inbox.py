"""What a link has heard, until somebody takes it: heartbeats wait for one another, all else wakes whoever waits."""

from __future__ import annotations

import logging
import threading
from collections import deque

from devices.link import Incoming, Message

logger = logging.getLogger(__name__)

MOST_UNREAD = 64 * 1024 * 1024
"""Bytes. When power comes back ten thousand receivers say their birth and their journal beside ten thousand wills."""
EACH = 400
"""Bytes a message takes besides what it says."""
MANY = 500
"""So many heartbeats wait for no more."""
STATE = "/state"


class Inbox:
    """Filled by the link's thread (``put``), emptied by one other (``take``)."""

    def __init__(self, most: int = MOST_UNREAD, many: int = MANY) -> None:
        self.overflow = 0
        """Messages lost because nobody took any."""
        self._most, self._many = most, many
        self._events: deque[Incoming] = deque()
        self._messages: deque[Incoming] = deque()
        self._bytes_put = self._bytes_taken = 0
        """Each counted by one thread alone."""
        self._pressing = threading.Event()

    def __len__(self) -> int:
        return len(self._events) + len(self._messages)

    def put(self, event: Incoming) -> None:
        """Note it, never waiting. Too many: messages are counted and lost, all else is kept."""
        size = size_of(event)
        if size and self._bytes_put - self._bytes_taken + size > self._most:
            self._lose()
            return
        self._bytes_put += size
        (self._messages if isinstance(event, Message) else self._events).append(event)
        if not _is_heartbeat(event) or len(self._messages) >= self._many:
            self._pressing.set()

    def take(self, most: int, timeout: float, most_bytes: int = MOST_UNREAD) -> list[Incoming]:
        """What is there, once any of it is pressing or ``timeout`` seconds have passed.

        Up to ``most``, and no more once those taken have ``most_bytes``; events before messages.
        """
        self._pressing.wait(timeout)
        self._pressing.clear()  # before the look: what comes after it sets it again
        messages, taken, size = self._messages, self.take_events(most), 0
        while messages and len(taken) < most and size < most_bytes:
            taken.append(messages.popleft())
            size += size_of(taken[-1])
        self._bytes_taken += size
        if self:
            self._pressing.set()
        return taken

    def take_events(self, most: int) -> list[Incoming]:
        """What the link says of itself, and of what the broker took, up to ``most``; waits for nothing."""
        events, taken = self._events, list[Incoming]()
        while events and len(taken) < most:
            taken.append(events.popleft())
        return taken

    def _lose(self) -> None:
        self.overflow += 1
        if self.overflow % 1000 == 1:
            logger.error("nobody reads the inbox: %d messages lost", self.overflow)


def size_of(event: Incoming) -> int:
    """Bytes it takes; none where it is no message."""
    return len(event.topic) + len(event.payload) + EACH if isinstance(event, Message) else 0


def _is_heartbeat(event: Incoming) -> bool:
    return isinstance(event, Message) and event.topic.endswith(STATE)
