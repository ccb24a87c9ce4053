"""Send random bodies to every `POST` of the service's own application, in this process.

`python -m tests.support.serving.fuzz --bodies 10000` makes them with hypothesis, by mutating valid ones and from
scratch. `/docs.json` must document every answer: status, content type and the shape of its body; never a 5xx. The
command prints the counts as one JSON object, and after a failure the smallest body that shows it.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from customer_scores.publish import publish
from settings import Settings
from tests.support.customer_scores.marketing import stage_marketing
from tests.support.customer_scores.scores import AS_OF, stage_scores
from tests.support.serving.in_process import application, started
from tests.support.serving.running import install

LARGEST_ERROR = 8_192
"""Bytes: an error must not send back what came in."""

ODD = [
    *("null", "true", "[]", "{}", '""', "-1", "0", "0.5", "-0.0", "1e400", "-1e400", "NaN", "Infinity", "1e308"),
    *("9" * 30, "9" * 5_000, "-" + "9" * 64, "0." + "9" * 400, "1E+2", "01", ".5", "+1", "0x10", "'a'", "undefined"),
    *('"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '"\x00"', '"\n"', '"\\x41"', '"', "[", "{"),
    *('"' + "x" * 65 + '"', '"' + "x" * 100_000 + '"', '"' + "\u202e" * 64 + '"', '"../../etc/passwd"'),
    *('"2018-01-01T17:30:00Z"', '"2018-01-01T17:30:00"', '"0000-00-00T00:00:00Z"', '"9999-12-31T23:59:59+14:00"'),
    *("[" * 150 + "]" * 150, "[" * 5_000, '{"a":' * 300 + "1" + "}" * 300, "[" + "1," * 3_000 + "1]"),
    *("[" + '"7",' * 3_000 + '"7"]', '{"customer_id": "1", "customer_id": 2}', "[NaN]", '["7", "7", 7, null]', "1,"),
]
"""Texts to put in a value's place; not all are JSON."""

TYPES = [
    "application/json",
    "application/json; charset=utf-16",
    "APPLICATION/JSON",
    "text/plain",
    "",
    "application/xml",
]
TYPES += [
    "application/vnd.bentoml+pickle",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "\xff",
]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inside: st.lists(inside, max_size=5) | st.dictionaries(st.text(max_size=20), inside, max_size=5),
    max_leaves=8,
)


def filled(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """A valid value with every field and one element in each list, so that all of them are mutated."""
    if "$ref" in schema:
        return filled(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "allOf" in schema:
        return filled(schema["allOf"][0], definitions)
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            others = {"other": values} if isinstance(values := schema.get("additionalProperties"), dict) else {}
            fields = {**schema.get("properties", {}), **others}
            return {key: filled(field, definitions) for key, field in fields.items()}
        case "array":
            return [filled(schema["items"], definitions)]
        case "string":
            return "2018-01-01T17:30:00Z" if schema.get("format") == "date-time" else "7"
        case kind:
            return {"integer": 1, "number": 0.5, "boolean": True}[kind]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in an example something can be put in a value's place, itself included."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutated(draw: st.DrawFn, operation: dict[str, Any]) -> bytes:
    """A valid body in which a few things were changed, as values, then as text, then as bytes."""
    content = operation["requestBody"]["content"]["application/json"]
    body = draw(st.sampled_from([content["example"], content["filled"]]))
    marks = {}
    for number in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))):
        place = draw(st.sampled_from(places(body)))
        if draw(st.booleans()):
            marks[f'"mark{number}"'] = draw(st.sampled_from(ODD))
            body = replaced(body, place, f"mark{number}")
        else:
            body = replaced(body, place, draw(VALUES))
    if isinstance(body, dict):
        fields = sorted(content["filled"])
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            body = body | {draw(st.sampled_from(fields) | st.text(max_size=10)): draw(VALUES)}
        if body and draw(st.integers(0, 9)) == 0:
            body = {key: value for key, value in body.items() if key != draw(st.sampled_from(sorted(body)))}
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    for mark, odd in marks.items():
        text = text.replace(mark, odd)
    raw = text.encode(draw(st.sampled_from(["utf-8"] * 9 + ["utf-16", "utf-8-sig", "utf-32"])), "surrogatepass")
    damage = draw(st.sampled_from(["none"] * 8 + ["cut", "flip", "insert", "twice"]))
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    if damage == "cut":
        return raw[:at]
    if damage == "flip" and raw:
        return raw[:at] + bytes([raw[at] ^ draw(st.integers(1, 255))]) + raw[at + 1 :]
    if damage == "insert":
        return raw[:at] + draw(st.binary(max_size=4)) + raw[at:]
    return raw * 2 if damage == "twice" else raw


def as_json_schema(value: Any) -> Any:
    """A schema of OpenAPI 3.0 as a validator of JSON Schema reads it: there, `null` is a type."""
    if isinstance(value, list):
        return [as_json_schema(part) for part in value]
    if not isinstance(value, dict):
        return value
    schema = {key: as_json_schema(part) for key, part in value.items() if key != "nullable"}
    return {"anyOf": [schema, {"type": "null"}]} if value.get("nullable") is True else schema


class Fuzz:
    """Send bodies and compare the responses with the service's own description."""

    def __init__(self, client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop, description: dict[str, Any]):
        self._client = client
        self._loop = loop
        self._schemas = as_json_schema(description["components"])
        self.operations = {path: item["post"] for path, item in description["paths"].items() if "post" in item}
        for operation in self.operations.values():
            content = operation["requestBody"]["content"]["application/json"]
            content["filled"] = filled(content["schema"], description["components"]["schemas"])
        self._validators = {
            (path, status): self._validator(response)
            for path, operation in self.operations.items()
            for status, response in operation["responses"].items()
        }
        self.bodies: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def _validator(self, response: dict[str, Any]) -> Any:
        schema = response["content"]["application/json"]["schema"]
        return jsonschema_rs.validator_for(schema | {"components": self._schemas})

    def check(self, path: str, body: bytes, media_type: str) -> None:
        """Send one body. Raises AssertionError if the answer is not as documented."""
        headers = {"Content-Type": media_type.encode("latin-1")} if media_type else {}
        answer = self._loop.run_until_complete(self._client.post(path, content=body, headers=headers))
        self.bodies[path] += 1
        self.statuses[answer.status_code] += 1
        shown = f"{path} {media_type!r} {body[:200]!r} -> {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500, shown
        validator = self._validators.get((path, str(answer.status_code)))
        assert validator is not None, f"undocumented status: {shown}"
        assert answer.headers["Content-Type"] == "application/json", shown
        problems = [error.message for error in validator.iter_errors(answer.json())]
        assert not problems, f"{problems}: {shown}"
        if answer.status_code != 200:
            assert len(answer.content) <= LARGEST_ERROR, f"{len(answer.content)} bytes of error: {shown}"


def run(fuzz: Fuzz, path: str, bodies: int, start: int) -> None:
    """Send `bodies` bodies to a path. Raises AssertionError with the smallest body that gets a wrong answer."""
    changed = mutated(fuzz.operations[path])
    wanted = st.one_of([changed] * 6 + [VALUES.map(lambda value: json.dumps(value).encode()), st.binary()])

    @seed(start)
    @settings(
        max_examples=bodies,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(body=wanted, media_type=st.sampled_from(["application/json"] * 90 + TYPES))
    def send(body: bytes, media_type: str) -> None:
        fuzz.check(path, body, media_type)

    send()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.serving.fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        installation = install(Path(folder) / "data", "v1")
        installation.deploy("v1")
        scored = Settings(data=installation.data)
        stage_scores(scored, customers=["buyer"])
        stage_marketing(scored)
        publish(scored, AS_OF)
        app = application(installation)
        loop = asyncio.new_event_loop()
        context = started(app)
        client = loop.run_until_complete(context.__aenter__())
        description = loop.run_until_complete(client.get("/docs.json")).json()
        fuzz = Fuzz(client, loop, description)
        for path in sorted(fuzz.operations):
            run(fuzz, path, -(-options.bodies // len(fuzz.operations)), options.seed)
        loop.run_until_complete(context.__aexit__(None, None, None))
    print(
        json.dumps(
            {"bodies": sum(fuzz.bodies.values()), "by_path": fuzz.bodies, "by_status": fuzz.statuses, "failed": 0}
        )
    )


if __name__ == "__main__":
    main()
