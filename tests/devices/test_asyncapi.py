"""docs/asyncapi.yaml: made from the code, and a valid AsyncAPI 3 document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from devices import asyncapi, messages, schemas, vectors
from devices.messages import State
from tests.parts import refuse

DOCS = Path(__file__).parent.parent.parent / "docs"
SPECIFICATION = Path(__file__).parent / "asyncapi" / "3.0.0.json"
RID, SHA = "r-0421", "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))


def test_the_published_document_is_that_of_the_code() -> None:
    """Out of date? Run ``python -m devices.schemas docs/schemas``."""
    assert (DOCS / "asyncapi.yaml").read_text(encoding="utf-8") == asyncapi.text()


def test_the_yaml_says_what_the_document_says(document: dict[str, Any]) -> None:
    assert document == json.loads(json.dumps(asyncapi.document()))


def test_it_is_valid_by_the_specification(document: dict[str, Any]) -> None:
    try:
        import jsonschema
    except ImportError:
        refuse(
            "jsonschema is not installed: asyncapi.yaml is not held to the specification's schema"
        )
    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(specification)
    assert [error.message[:300] for error in validator.iter_errors(document)] == []
    spoilt = document | {
        "operations": {"x": {"action": "shout", "channel": {"$ref": "#/channels/plan"}}}
    }
    assert not validator.is_valid(spoilt)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        place: Any = document
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_every_topic_of_the_code_has_a_channel(document: dict[str, Any]) -> None:
    topics = {
        messages.plan_topic(RID), messages.keys_topic(RID), messages.evack_topic(RID), messages.state_topic(RID),
        messages.events_topic(RID), messages.get_topic(RID), messages.block_topic(SHA, 7),
    }  # fmt: skip
    filled = {
        one["address"].format(rid=RID, sha16=SHA[:16], block=7)
        for one in document["channels"].values()
    }
    assert filled == topics


def test_channels_operations_and_parameters_belong_together(document: dict[str, Any]) -> None:
    channels, operations = document["channels"], document["operations"]
    assert {one["channel"]["$ref"].rsplit("/", 1)[-1] for one in operations.values()} == set(
        channels
    )
    for name, channel in channels.items():
        assert set(channel["parameters"]) == set(re.findall(r"\{(\w+)\}", channel["address"])), name
    for name, operation in operations.items():
        assert operation["action"] == name.split("-")[0]
        sends = "/up/" in channels[name.split("-")[1]]["address"]
        assert sends is (operation["action"] == "send"), name


def test_the_table_of_topics_says_the_same() -> None:
    """docs/protocol.md has them as a table for people."""
    rows = {}
    for line in (DOCS / "protocol.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith("`loa/1/"):
            rows[cells[0].strip("`")] = (cells[2], cells[3], cells[5])
    assert len(rows) == len(asyncapi.CHANNELS)
    for one in asyncapi.CHANNELS:
        qos, retain, most = rows[
            one.address.replace("{rid}", "<rid>")
            .replace("{sha16}", "<sha16>")
            .replace("{block}", "<i>")
        ]
        assert qos.startswith(str(one.qos)), one.name
        assert (retain == "yes") is one.retain, one.name
        number, unit = most.split()
        assert int(number) * {"B": 1, "KiB": 1_024}[unit] == one.most, one.name


def test_the_schemas_are_those_of_the_types(document: dict[str, Any]) -> None:
    parts = document["components"]["schemas"]
    assert set(schemas.PUBLISHED) <= set(parts)
    for name, kind in schemas.PUBLISHED.items():
        if name != "entry":
            fields = {field.encode_name for field in msgspec.structs.fields(kind)}
            assert set(parts[name]["properties"]) == fields, name


def samples() -> dict[str, list[Any]]:
    """Messages that every reader of the schemas must take."""
    plan = json.loads(messages.encode(vectors.plan()))
    state = json.loads(messages.encode(State(on=1, sid="a1", net=("2026-11", 5))))
    entries = [json.loads(text) for text in vectors.ENTRIES]
    return {
        "plan": [plan, plan | {"later": 1}],
        "keys": [json.loads(messages.encode(vectors.document()))],
        "state": [{"v": 1, "on": 0, "sid": "a1"}, state],
        "events": [json.loads(vectors.journal()["payload"])],
        "entry": entries,
        "evack": [{"jid": "a1", "upto": 0}, {"jid": "a1", "upto": 3, "rw": True}],
        "get": [{"sha": SHA, "sz": 65_536, "want": [0, 5]}],
    }  # fmt: skip


def wrong() -> dict[str, list[Any]]:
    [plan, _] = samples()["plan"]
    return {
        "plan": [plan | {"v": 2}, plan | {"rid": "R"}, plan | {"occ": [{}]}],
        "keys": [samples()["keys"][0] | {"kv": 0}],
        "state": [{"v": 1, "on": 2, "sid": "a1"}, {"v": 1, "on": 1}],
        "events": [samples()["events"][0] | {"e": []}],
        "entry": [[0, "", "boot", 1, "ntp", 1, 1, {}], [1, "", "boot", 1, "sun", 1, 1, {}]],
        "evack": [{"jid": "a1", "upto": -1}],
        "get": [{"sha": SHA, "want": []}, {"sha": SHA, "want": list(range(9))}],
    }


@pytest.mark.parametrize("name", schemas.PUBLISHED)
def test_the_types_take_the_samples_and_nothing_else(name: str) -> None:
    kind = schemas.PUBLISHED[name]
    for sample in samples()[name]:
        messages.decode(json.dumps(sample).encode(), kind)
    for sample in wrong()[name]:
        with pytest.raises(ValueError, match=r"\S"):
            messages.decode(json.dumps(sample).encode(), kind)


@pytest.mark.parametrize("name", schemas.PUBLISHED)
def test_the_published_schemas_take_the_samples_and_nothing_else(name: str) -> None:
    try:
        import jsonschema
    except ImportError:
        refuse("jsonschema is not installed: docs/schemas is not tried by a validator")
    schema = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for sample in samples()[name]:
        assert [error.message for error in validator.iter_errors(sample)] == []
    for sample in wrong()[name]:
        assert not validator.is_valid(sample), sample
