"""List the expectations of events and decisions, which must hold before facts are built; all hold without feedback."""

from core.event_types import event_types
from quality.check import BETWEEN, IN_SET, check

_FIX_SOURCE = "Correct the file in the landing, then run `.venv/bin/python -m landing collect` again."

FILES = [
    check(
        "feedback_files_can_be_read",
        "files",
        IN_SET,
        "A file is truncated or missing. Remove feedback/landed/inputs.json and run "
        "`.venv/bin/python -m landing collect` again.",
        column="readable",
        value_set=[True],
    ),
]

REST = [
    check("required_feedback_is_present", "required", BETWEEN, _FIX_SOURCE, column="missing", max_value=0),
    check(
        "events_are_of_a_known_type",
        "event_types",
        IN_SET,
        "core/event_types.toml does not name the type of some events. " + _FIX_SOURCE,
        column="event_type",
        value_set=list(event_types().names),
    ),
    check(
        "ratings_are_on_their_scale",
        "facts",
        BETWEEN,
        "Some events have a rating outside its scale, or a scale without width. " + _FIX_SOURCE,
        column="odd_ratings",
        max_value=0,
    ),
    check(
        "no_feedback_is_refused",
        "facts",
        BETWEEN,
        "Some events or decisions could not be used. The files in feedback/quarantine/ hold them with the reasons; "
        "correct their sender.",
        column="refused_rows",
        max_value=0,
    ),
    check(
        "an_event_id_names_one_event",
        "facts",
        BETWEEN,
        "Some event_ids came again with another customer, product or type; only the first counts. Are they unique?",
        column="reused_event_share",
        max_value=0,
    ),
    check(
        "hardly_any_event_id_is_reused",
        "facts",
        BETWEEN,
        "One event_id in a hundred came again with another customer, product or type: their sender does not make them "
        "unique, and what came later is lost. Correct the sender.",
        column="reused_event_share",
    ),
    check(
        "quantities_and_prices_of_events_are_not_negative",
        "facts",
        BETWEEN,
        "Some events have a negative quantity or price; as purchases they do not count. Are they returns?",
        column="negative_events",
        max_value=0,
    ),
    check(
        "events_arrive_after_they_occurred",
        "facts",
        BETWEEN,
        "More than one event in a hundred arrived over five minutes before it occurred. Do the senders write UTC?",
        column="early_event_share",
    ),
    check(
        "events_quote_answers_that_were_given",
        "facts",
        BETWEEN,
        "One request_id in twenty of those in events was never recorded. Were decisions lost, or ids made up?",
        column="orphan_event_share",
    ),
    check(
        "an_answer_is_one_customers",
        "facts",
        BETWEEN,
        "Some request_ids name answers to several customers, so their outcomes cannot be separated. " + _FIX_SOURCE,
        column="shared_answers",
        max_value=0,
    ),
    check(
        "a_place_shows_one_product",
        "facts",
        BETWEEN,
        "Some ranks of an answer hold several products, and only one would count. " + _FIX_SOURCE,
        column="shared_places",
        max_value=0,
    ),
    check(
        "positions_are_counted_from_1",
        "facts",
        BETWEEN,
        "Some positions are below 1 or not whole numbers. " + _FIX_SOURCE,
        column="odd_positions",
        max_value=0,
    ),
]
