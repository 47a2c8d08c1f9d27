"""What the words of an alert must be: a drill says that it is one, first and last; what is real is an emergency.

Its bulletin may be edited until people agree: whether it still is what was prepared is asked anew each time.
"""

from __future__ import annotations

from content.bulletins import Bulletin, Priority
from content.parts import Chime, Text
from loa.words import say

DRILL = "Đây là diễn tập."
DRILL_TITLE = "DIỄN TẬP"


def drill_words(body: str) -> str:
    """The words of a drill: it says that it is one before anything else, and last of all."""
    return f"{DRILL}\n\n{body.strip()}\n\n{DRILL}"


def drill_title(title: str) -> str:
    """The title of a drill."""
    return f"{DRILL_TITLE}: {title}"


def priority(drill: bool) -> Priority:
    """A drill is no emergency to any receiver: it cannot break the quiet hours."""
    return Priority.PRIORITY if drill else Priority.EMERGENCY


def mismatch(bulletin: Bulletin, drill: bool) -> str | None:
    """Why the bulletin, as it now is, is not what was prepared; None while it is."""
    if bulletin.priority is not priority(drill):
        kind = say("lệnh diễn tập") if drill else say("lệnh khẩn cấp")
        return say("Mức ưu tiên của bản tin đã bị sửa nên không còn là của %(kind)s.", kind=kind)
    if drill and not bulletin.title.startswith(DRILL_TITLE):
        return say("Tên bản tin không còn chữ “%(title)s” ở đầu.", title=DRILL_TITLE)
    if drill and not _says_so(bulletin):
        return say("Lời phát không còn nói “%(drill)s” ở đầu và ở cuối.", drill=DRILL)
    return None


def _says_so(bulletin: Bulletin) -> bool:
    """Whether the first and the last thing it says are those words, said as they are written."""
    said = [part for part in bulletin.parts if not isinstance(part, Chime)]
    if not said:
        return False
    first, last = said[0], said[-1]
    if not isinstance(first, Text) or not isinstance(last, Text):
        return False
    after_it, before_it = len(DRILL), len(last.body) - len(DRILL)
    return (
        first.body.startswith(DRILL)
        and last.body.endswith(DRILL)
        and all(each.start >= after_it for each in first.corrections)
        and all(each.end <= before_it for each in last.corrections)
    )
