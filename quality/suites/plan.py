"""List the expectations of a campaign's plan, which must hold before its messages are enqueued."""

from quality.check import AT_LEAST, BETWEEN, IN_SET, check

_PLAN_AGAIN = "Plan the campaign again; if it stays, the planner is at fault."

FILES = [
    check(
        "plan_file_can_be_read",
        "files",
        IN_SET,
        "The file of decisions is truncated. " + _PLAN_AGAIN,
        column="readable",
        value_set=[True],
    ),
]

REST = [
    check(
        "customers_get_one_message",
        "keys",
        BETWEEN,
        "A customer is decided about, or messaged, twice. " + _PLAN_AGAIN,
        column="repeated",
        max_value=0,
    ),
    check(
        "unsent_decisions_have_a_reason",
        "outcomes",
        BETWEEN,
        "A customer gets no message and the plan does not give the reason. " + _PLAN_AGAIN,
        column="without_reason",
        max_value=0,
    ),
    check(
        "decisions_and_messages_agree",
        "outcomes",
        BETWEEN,
        "A held-out customer has a message, or a planned one has none or may never leave. " + _PLAN_AGAIN,
        column="contradicting",
        max_value=0,
    ),
    check(
        "messages_have_a_consent",
        "permissions",
        BETWEEN,
        "A customer did not consent to the channel and the purpose. " + _PLAN_AGAIN,
        column="without_consent",
        max_value=0,
    ),
    check(
        "messages_have_an_address",
        "permissions",
        BETWEEN,
        "A customer has no address for the channel. " + _PLAN_AGAIN,
        column="without_address",
        max_value=0,
    ),
    check(
        "suppressed_addresses_get_nothing",
        "permissions",
        BETWEEN,
        "A customer is on the suppression list. " + _PLAN_AGAIN,
        column="on_suppression_list",
        max_value=0,
    ),
    check(
        "messages_keep_within_caps",
        "caps",
        BETWEEN,
        "A customer would get more messages of the class than a cap allows. " + _PLAN_AGAIN,
        column="over",
        max_value=0,
    ),
    check(
        "messages_avoid_quiet_hours",
        "quiet_hours",
        BETWEEN,
        "A message may leave in the customer's quiet hours. " + _PLAN_AGAIN,
        column="in_quiet_hours",
        max_value=0,
    ),
    check(
        "the_budget_is_kept",
        "budget",
        AT_LEAST,
        "The plan spends more than the campaign's budget. " + _PLAN_AGAIN,
        column_A="limit",
        column_B="spent",
        or_equal=True,
    ),
    check(
        "arms_have_their_sizes",
        "arms",
        BETWEEN,
        "The hold-out is larger or smaller than drawn by chance: do not enqueue, no effect could be measured.",
        column="p_value",
    ),
    check(
        "propensities_are_the_shares",
        "arms",
        BETWEEN,
        "A decision has another propensity than its arm's share. " + _PLAN_AGAIN,
        column="wrong_propensity",
        max_value=0,
    ),
    check(
        "global_hold_out_gets_nothing",
        "global_hold_out",
        BETWEEN,
        "A customer of the global hold-out is messaged, or drawn for the campaign's arms. " + _PLAN_AGAIN,
        column="globally_held_out",
        max_value=0,
    ),
    check(
        "messages_name_no_restricted_product",
        "restricted",
        BETWEEN,
        "A message shows an age-restricted product. " + _PLAN_AGAIN,
        column="age_restricted",
        max_value=0,
    ),
]
