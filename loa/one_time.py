"""Codes good once: of an authenticator app (RFC 6238) and of a paper. The only file that knows pyotp.

Also keeps their secrets encrypted at rest, with a key in the station's secrets folder.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from pathlib import Path

import pyotp
from cryptography.fernet import Fernet, InvalidToken

from loa import files
from loa.times import SECOND, Instant

PERIOD = 30 * SECOND
DRIFT = 1
"""Periods by which a phone may be ahead or behind."""
_LETTERS = "abcdefghkmnpqrstuvwxyz23456789"
"""Without those that look like another."""
_LENGTH = 10
# 16 MiB each: tries must queue rather than fill a commune PC's memory.
_hashing = threading.Semaphore(2)


class Keeper:
    """Encrypts secrets with the key at ``path``, which is made on first use."""

    def __init__(self, path: Path) -> None:
        self._fernet = Fernet(files.create_once(path, Fernet.generate_key()))

    def close(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, kept: str) -> str | None:
        """The text again; None where it was kept with another key."""
        try:
            return self._fernet.decrypt(kept.encode()).decode()
        except InvalidToken:
            return None


def new_secret() -> str:
    """What station and phone share: 160 bits in base 32."""
    return pyotp.random_base32()


def address(secret: str, login: str, station: str) -> str:
    """The otpauth: address that an authenticator app scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=station)


def code_of(secret: str, period: int) -> str:
    """The six digits of that period since 1970."""
    return pyotp.TOTP(secret).generate_otp(period)


def matching(secret: str, digits: str, now: Instant, most: int = DRIFT) -> int | None:
    """The period, nearest to now and at most so many from it, of which those digits are the code."""
    here = now // PERIOD
    for offset in sorted(range(-most, most + 1), key=abs):
        period = here + offset
        if period >= 0 and hmac.compare_digest(code_of(secret, period), digits):
            return period
    return None


def digits_of(typed: str) -> str:
    """The six digits, typed with or without spaces; empty for anything else."""
    bare = "".join(typed.split())
    return bare if len(bare) == 6 and bare.isascii() and bare.isdigit() else ""


def new_recovery_code() -> str:
    """Ten letters that a person can copy from paper."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def recovery_hash(typed: str, salt: str) -> str:
    """By which a recovery code is found again; empty for what cannot be one. Slow on purpose."""
    letters = "".join(letter for letter in typed.lower() if letter.isalnum())
    if len(letters) != _LENGTH:
        return ""
    with _hashing:
        made = hashlib.scrypt(letters.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1)
    return made.hex()[:64]
