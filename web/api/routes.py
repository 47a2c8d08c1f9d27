"""Route: one call of the API. Its types are those of the function that answers it, so that the two cannot differ.

``session`` first; then what the address names, ``query``, ``body`` and ``upload`` where there are such; what it
returns is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_type_hints

from loa.staff import May
from loa.tokens import NEEDS, Scope
from web.api.wire import Strict

PREFIX = "/api/v1"


@dataclass(frozen=True)
class Route:
    """A method and an address, what a token must be good for, and who answers."""

    method: Literal["GET", "POST"]
    path: str
    """As Flask reads it: /schedules/<int:schedule_id>."""
    act: Callable[..., Any]
    summary: str
    scope: Scope | None = None
    """None: any token will do."""
    status: int = 200
    dry: bool = False
    """A POST that only looks: nothing is stored, so it needs no key."""
    media: tuple[str, ...] = ()
    """Of an ``answers.File``: the media types it may be of."""

    @property
    def writes(self) -> bool:
        """Whether it changes the station."""
        return self.method == "POST" and not self.dry

    @property
    def takes_upload(self) -> bool:
        """Whether its body is a file."""
        return "upload" in self.types

    @property
    def name(self) -> str:
        """schedules_create: for the OpenAPI document and for Flask."""
        return f"{self.act.__module__.rpartition('.')[2]}_{self.act.__name__}"

    @property
    def needs(self) -> May:
        """What the token's owner must be allowed to do."""
        return NEEDS[self.scope] if self.scope else May.READ

    @cached_property
    def types(self) -> dict[str, Any]:
        """Of the arguments and the return of ``act``, by name."""
        return get_type_hints(self.act, include_extras=True)

    @property
    def body(self) -> type[Strict] | None:
        return self.types.get("body")

    @property
    def query(self) -> type[Strict] | None:
        return self.types.get("query")

    @property
    def answer(self) -> Any:
        return self.types["return"]

    @property
    def places(self) -> dict[str, str]:
        """Name → Flask's converter of what the address names."""
        found = re.findall(r"<(?:([^:>]+):)?([^>]+)>", self.path)
        return {name: converter.partition("(")[0] or "string" for converter, name in found}

    @property
    def template(self) -> str:
        """As OpenAPI writes it: /schedules/{schedule_id}."""
        return re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", self.path)
