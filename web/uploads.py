"""Files on their way in: written to disk as they arrive, hashed meanwhile, never whole in memory."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from pathlib import Path
from typing import IO

import flask
from flask import current_app, request
from werkzeug.datastructures import FileStorage
from wtforms import Field

from content import uploads as content_uploads
from loa.config import Config
from loa.errors import ContentError
from web import current

MEGABYTE = 1_000_000
FORM_BYTES = 2 * MEGABYTE
"""The most any form may hold that takes no file: several times the longest bulletin."""


class Incoming(io.BufferedRandom):
    """A file being received; ``sha256`` covers what was written so far."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "x+"))
        self.path = path
        self._hash = hashlib.sha256()

    def write(self, data: object, /) -> int:
        self._hash.update(data)  # type: ignore[arg-type]
        return super().write(data)  # type: ignore[arg-type]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class Request(flask.Request):
    """Flask's request, whose files go to the work folder."""

    _incoming: list[Incoming] | None = None

    def _get_file_stream(self, *_facts: object, **_more: object) -> IO[bytes]:
        return self.begin_incoming()

    def begin_incoming(self) -> Incoming:
        """A new file in the work folder."""
        folder = current.config().work
        folder.mkdir(parents=True, exist_ok=True)
        file = Incoming(folder / f"upload-{secrets.token_hex(8)}.part")
        self._incoming = [*(self._incoming or []), file]
        return file

    def drop_incoming(self) -> None:
        """Remove what no page has kept."""
        for file in self._incoming or []:
            file.close()
            file.path.unlink(missing_ok=True)


def allow() -> None:
    """Before each request: how much of it may be read. Little, but for pages that take a recording."""
    view = current_app.view_functions.get(request.endpoint or "")
    takes = getattr(view, "takes_upload", False)
    request.max_content_length = FORM_BYTES + (limit(current.config()) if takes else 0)


def limit(config: Config) -> int:
    """Bytes a recording may have."""
    return config.web.upload_megabytes * MEGABYTE


def takes_upload(view: current.View) -> current.View:
    """Let this page receive a recording."""
    view.__dict__["takes_upload"] = True
    return view


def keep(config: Config, storage: FileStorage) -> tuple[str, str]:
    """Put a received file among the uploads; returns its name there and the name it came with."""
    file = storage.stream
    if not isinstance(file, Incoming):
        raise TypeError("a file that did not come through Request")
    file.flush()
    name = content_uploads.keep(config, file.path, file.sha256)
    return name, plain_name(storage.filename or "")


def plain_name(name: str) -> str:
    """What the sender called a file, without folders and without what cannot be shown."""
    last = re.split(r"[\\/]", name)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-255:]


def receive(config: Config, upload: Field, kept: Field, kept_name: Field) -> ContentError | None:
    """Settle the three fields of a source in a form that was sent: a file that came along is kept and named in the
    hidden ones, and a name of no file is forgotten. Gives the refusal of a file, for ``upload``."""
    file = upload.data
    if not isinstance(file, FileStorage) or not file.filename:
        if not is_kept(config, kept.data or ""):
            kept.data = kept_name.data = ""
        return None
    try:
        kept.data, kept_name.data = keep(config, file)
    except ContentError as error:
        return error
    return None


def is_kept(config: Config, name: str) -> bool:
    """True when ``name`` is that of a file kept before."""
    return bool(re.fullmatch(r"[0-9a-f]{64}", name)) and (config.uploads / name).is_file()
