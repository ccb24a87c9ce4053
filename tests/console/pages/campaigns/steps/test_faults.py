"""A draft may be saved with a name that does not exist; the page stays, and names near ones."""

import html

import pytest
from starlette.testclient import TestClient

from console.pages.campaigns.definition.draft import create, draft_of
from settings import Settings

GOAL = {"goal": "g", "channel": "email", "message_class": "promotional", "purpose": "marketing"}
TEXT = {"texts": "1", "name_0": "all", "subject_0": "s", "text_0": "t"}


@pytest.mark.parametrize(
    ("step", "form", "saved", "sentence"),
    [
        ("audience", {"rule": 'likes("MILK"'}, 'filter = "likes', "likes("),
        ("audience", {"rule": 'segment.value = "v9"'}, "v9", "'v0'"),
        ("goal", {**GOAL, "item": "category", "item_names": "MLIK"}, "MLIK", "Near names: 'MILK'"),
        ("text", {**TEXT, "filter_0": "spnd_8w > 1"}, "spnd_8w", "The rule of the text 'all'"),
    ],
)
def test_a_value_that_cannot_be_used_is_shown_where_it_was_written(
    settings: Settings, client: TestClient, step: str, form: dict[str, str], saved: str, sentence: str
) -> None:
    settings.campaigns_folder.mkdir()
    content = [{"name": "all", "subject": "s", "text": "t"}]
    draft = create(
        settings, {"id": "a", "status": "draft", **GOAL, "audience": {"everybody": True}, "content": content}, "x"
    )
    answer = client.post(f"/campaigns/a/{step}", data={"base": draft.base, **form})
    assert answer.headers["location"] == f"/campaigns/a/{step}"
    assert saved in draft_of(settings, "a").text
    page = html.unescape(client.get(f"/campaigns/a/{step}").text)
    assert sentence in page.partition("This is saved, and the campaign cannot be launched like this:")[2]
