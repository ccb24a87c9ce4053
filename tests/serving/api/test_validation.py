"""Errors describe a wrong body, also deep inside it."""

from typing import ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from serving.api.validation import MAX_FIELD_ERRORS, ApiRequest
from serving.errors import BadRequestError


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    product_id: str = Field(description="The product. Allowed: a string.")
    quantity: int | float = Field(1, ge=0, description="Units. Allowed: a number from 0.")


class Basket(ApiRequest):
    EXAMPLE: ClassVar = {"kind": "cart", "lines": [{"product_id": "7"}]}

    kind: Literal["cart", "order"] = Field(description="Kind of the basket. Allowed: 'cart' or 'order'.")
    lines: list[Line] = Field(min_length=1, max_length=50, description="The lines. Allowed: 1 to 50 lines.")


def _fields(body: bytes) -> dict[str, str]:
    with pytest.raises(BadRequestError) as caught:
        Basket.parse(body)
    return caught.value.fields


def test_a_field_inside_a_list_is_named_by_its_path_and_explained_by_its_own_words() -> None:
    body = b'{"kind": "cart", "lines": [{"product_id": "7"}, {"product_id": 8, "quantity": "many", "colour": "red"}]}'

    assert _fields(body) == {
        "lines[1].product_id": "'lines[1].product_id' is 8; allowed: a string.",
        # a union's alternatives are one finding, not two
        "lines[1].quantity": "'lines[1].quantity' is \"many\"; allowed: a number from 0.",
        "lines[1].colour": "'lines[1].colour' is not a field of this request; the fields are product_id, quantity.",
    }


def test_a_missing_field_inside_a_list_is_named_by_its_path() -> None:
    assert _fields(b'{"kind": "cart", "lines": [{}]}') == {
        "lines[0].product_id": "'lines[0].product_id' is missing: a string."
    }


def test_a_body_wrong_in_many_places_is_explained_in_a_few() -> None:
    body = b'{"kind": "cart", "lines": [' + b",".join([b'{"quantity": 1}'] * 40) + b"]}"

    assert list(_fields(body)) == [f"lines[{place}].product_id" for place in range(MAX_FIELD_ERRORS)]


def test_the_fields_of_a_request_are_the_documented_ones() -> None:
    with pytest.raises(BadRequestError, match=r"the fields are kind, lines\."):
        Basket.parse(b'{"kind": "cart", "lines": [{"product_id": "7"}], "note": 1}')


def test_a_hint_shows_a_body_one_can_send() -> None:
    with pytest.raises(BadRequestError) as caught:
        Basket.parse(b"")

    example_hint = str(caught.value).removeprefix("The body is empty. Send an object such as ").removesuffix(".")
    assert Basket.parse(example_hint.encode()).kind == "cart"
