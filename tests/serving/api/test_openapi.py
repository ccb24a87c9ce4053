"""The OpenAPI document describes the service: tested with allowed, forbidden and random requests."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving._private import OpenApiDocument
from serving.api.openapi import describe
from serving.api.openapi_3_0 import NULL, as_openapi_3_0
from serving.api.validation import ApiRequest, field_help
from serving.middleware.allowed_paths import BENTOML_PATHS
from serving.service import service
from settings import ROOT
from tests.support.serving.conformity import run


@pytest.fixture
def document() -> OpenApiDocument:
    return describe("reach", "v1", "A service.", service.apis.values(), needs_key=True)


def test_every_path_is_described_and_no_other(document: OpenApiDocument) -> None:
    assert set(document["paths"]) == set(BENTOML_PATHS) | {api.route for api in service.apis.values()}


def test_every_error_has_one_shape(document: OpenApiDocument) -> None:
    responses = [
        (status, response)
        for path, item in document["paths"].items()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status >= "400" and path != "/readyz"  # whose body is the same when it is not ready
    ]

    assert {"400", "401", "403", "404", "405", "408", "409", "413", "415", "429", "500", "503", "504"} == {
        s for s, _ in responses
    }
    shapes = {json.dumps(response["content"]) for _, response in responses}
    assert shapes == {'{"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}'}
    assert all("Retry-After" in response["headers"] for status, response in responses if status in ("429", "503"))


def test_every_reference_leads_somewhere(document: OpenApiDocument) -> None:
    text = json.dumps(document)
    referred = set(re.findall(r"#/components/schemas/(\w+)", text))

    assert referred
    assert referred <= set(document["components"]["schemas"])


def test_a_field_that_may_be_null_or_a_number_is_described_so(document: OpenApiDocument) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["RecommendRequest"]["properties"]["customer_id"]["allOf"] == [{"$ref": "#/components/schemas/Id"}]
    assert schemas["Id"]["anyOf"] == [{"$ref": "#/components/schemas/TextId"}, {"type": "integer"}]
    assert schemas["TextId"]["pattern"]
    assert schemas["RecommendResponse"]["properties"]["fallback"]["nullable"]
    assert schemas["RecommendedItem"]["properties"]["name"] == {
        "title": "Name",
        "type": "string",
        "nullable": True,
        "description": "The product's name; null if it has none.",
    }


def test_the_document_is_of_openapi_3_0_and_holds_nothing_that_only_3_1_knows(document: OpenApiDocument) -> None:
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            found.update(key for key in value if key in ("const", "examples", "$defs", "ge", "le", "prefixItems"))
            found.update(["$ref with more"] if "$ref" in value and len(value) > 1 else [])
            found.update(["null"] if value.get("type") == "null" else [])
            found.update(["exclusive"] if type(value.get("exclusiveMinimum")) in (int, float) else [])
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            walk(part)

    walk(document["paths"])
    walk(document["components"])
    assert document["openapi"] == "3.0.3"
    assert found == set()
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)


def test_a_schema_is_translated_to_the_older_dialect() -> None:
    number = {"type": "number", "exclusiveMinimum": 0, "le": 5}
    assert as_openapi_3_0({"anyOf": [number, NULL], "default": None}) == {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
        "nullable": True,
        "default": None,
    }
    assert as_openapi_3_0({"$ref": "#/a", "description": "b"}) == {"allOf": [{"$ref": "#/a"}], "description": "b"}
    assert as_openapi_3_0({"anyOf": [{"type": "string"}, {"type": "integer"}, NULL]}) == {
        "anyOf": [{"type": "string"}, {"type": "integer"}],
        "nullable": True,
    }
    assert as_openapi_3_0({"const": "x", "example": {"const": 1}}) == {"enum": ["x"], "example": {"const": 1}}


@pytest.mark.parametrize(("needs_key", "security"), [(True, [{"ApiKey": []}]), (False, [])])
def test_a_key_is_asked_for_if_the_installation_has_keys(needs_key: bool, security: list[Any]) -> None:
    paths = describe("reach", "v1", "A service.", service.apis.values(), needs_key)["paths"]

    assert paths["/recommend"]["post"]["security"] == paths["/metrics"]["get"]["security"] == security
    assert paths["/livez"]["get"]["security"] == []


def test_a_bento_holds_the_document_as_plain_yaml(document: OpenApiDocument) -> None:
    assert yaml.safe_load(yaml.dump(document)) == json.loads(json.dumps(document))


def test_schemathesis_finds_no_difference_between_the_document_and_the_service(tmp_path: Path) -> None:
    ended = run(tmp_path, examples=30, seed=7)

    assert ended.returncode == 0, ended.stdout
    operations = len(BENTOML_PATHS) + len(service.apis) - 1  # it leaves out the document itself
    assert f"Operations:       {operations} selected / {operations} total" in ended.stdout


def test_no_body_gets_a_server_error_or_an_answer_that_is_not_documented() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.serving.fuzz", "--bodies", "500"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr[-4000:]
    counts = json.loads(ended.stdout.splitlines()[-1])
    assert counts["bodies"] >= 500
    assert set(counts["by_path"]) == {api.route for api in service.apis.values()}
    # It reaches the answer, not only the door.
    assert {"200", "400", "415"} <= set(counts["by_status"])


@pytest.mark.parametrize("request_type", [api.input_spec for api in service.apis.values()])
def test_every_field_of_a_request_names_what_it_accepts(request_type: type[ApiRequest]) -> None:
    assert [path for path, text in field_help(request_type).items() if not text] == []
