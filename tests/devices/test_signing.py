from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices import signing
from devices.signing import BadSignature, PublicKey
from loa.errors import DeviceError
from tests.devices.receiver_rig import key

ONE, TWO = key("one"), key("two")
KNOWN = {"one": ONE.public, "two": TWO.public}


def test_a_joint_signature_names_all_who_signed() -> None:
    token = signing.sign_jointly(b"payload", "loa-keys", [ONE, TWO])
    assert signing.verify_jointly(token, "loa-keys", KNOWN) == (b"payload", {"one", "two"})
    assert signing.joint_payload(token) == b"payload"


def test_a_stranger_among_the_signers_says_nothing() -> None:
    token = signing.sign_jointly(b"payload", "loa-keys", [key("stranger"), TWO])
    assert signing.verify_jointly(token, "loa-keys", KNOWN)[1] == {"two"}


def test_one_who_signs_twice_counts_once() -> None:
    token = signing.sign_jointly(b"payload", "loa-keys", [ONE, ONE])
    assert signing.verify_jointly(token, "loa-keys", KNOWN)[1] == {"one"}


def test_a_wrong_signature_under_a_known_name_spoils_the_whole() -> None:
    mallory = signing.PrivateKey("two", key("mallory").seed)
    token = signing.sign_jointly(b"payload", "loa-keys", [ONE, mallory])
    with pytest.raises(BadSignature) as bad:
        signing.verify_jointly(token, "loa-keys", KNOWN)
    assert bad.value.why == "signature"


def test_a_changed_payload_is_noticed() -> None:
    whole = json.loads(signing.sign_jointly(b"payload", "loa-keys", [ONE]))
    whole["payload"] = signing.b64(b"another")
    with pytest.raises(BadSignature):
        signing.verify_jointly(json.dumps(whole).encode(), "loa-keys", KNOWN)


def test_a_signature_of_another_kind_of_message_is_none() -> None:
    token = signing.sign_jointly(b"payload", "loa-plan", [ONE])
    with pytest.raises(BadSignature) as bad:
        signing.verify_jointly(token, "loa-keys", KNOWN)
    assert bad.value.why == "typ"


def test_too_many_signatures_are_not_even_tried() -> None:
    token = signing.sign_jointly(b"payload", "loa-keys", [ONE] * (signing.MOST_SIGNATURES + 1))
    with pytest.raises(BadSignature) as bad:
        signing.verify_jointly(token, "loa-keys", KNOWN)
    assert bad.value.why == "shape"


def test_what_is_no_joint_token_has_no_payload() -> None:
    with pytest.raises(BadSignature):
        signing.joint_payload(ONE.sign(b"payload", "loa-keys"))


def test_a_key_is_good_from_its_first_moment_until_before_its_last() -> None:
    bounded = PublicKey("k", "x", (), 10, 20)
    assert [bounded.is_valid(now) for now in (9, 10, 19, 20)] == [False, True, True, False]
    assert PublicKey("k", "x").is_valid(2**52)


def test_a_token_says_who_signed_it() -> None:
    assert signing.kid_of(ONE.sign(b"payload", "loa-plan")) == "one"


def test_a_kept_key_is_the_same_again_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    made = signing.key_at(tmp_path / "a.key", "a")
    assert signing.key_at(tmp_path / "a.key", "a").public == made.public
    (tmp_path / "a.key").write_bytes(b"?")
    with pytest.raises(DeviceError, match="hỏng"):
        signing.key_at(tmp_path / "a.key", "a")
