"""List the expectations of admitted consents, addresses and bounces; the outbox leaves out what it cannot use."""

from quality.check import BETWEEN, Check, check


def _none(name: str, advice: str, column: str, example: str) -> Check:
    return check(name, "contacts", BETWEEN, advice, example, column=column, max_value=0)


def _few(name: str, advice: str, column: str, example: str = "") -> Check:
    return check(name, "contacts", BETWEEN, advice, example, column=column)


CONTACTS = [
    _none(
        "consents_do_not_contradict_each_other",
        "A customer answered yes and no at the same instant; the no counts. Which is right?",
        "contradicting_consents",
        "contradiction_example",
    ),
    _none(
        "consents_are_not_of_the_future",
        "Consents are later than the run's day; they count from their own instant on. Are the times in UTC?",
        "late_consents",
        "late_consent_example",
    ),
    _few(
        "customers_answered_at_different_times",
        "Most consents have one time. Write when the customer answered: a newer yes outdoes an older unsubscription.",
        "copied_answer_share",
        "copied_answer_example",
    ),
    _few(
        "most_contacts_are_customers",
        "Most customers of consents and contacts have no purchase. Do the files write customer_id alike?",
        "stranger_share",
    ),
    _none(
        "customers_have_one_address_a_channel",
        "A customer has several addresses for a channel since the same time, and gets no message. Keep one of them.",
        "repeated_contacts",
        "repeated_contact_example",
    ),
    _few(
        "most_addresses_can_be_used",
        "Some addresses are empty or malformed; no message goes there. Correct them in contacts.",
        "bad_address_share",
        "bad_address_example",
    ),
    _none(
        "timezones_have_their_names",
        "A time zone is not in the IANA list, so the shop's zone counts. Write a name such as Europe/Berlin.",
        "unknown_zones",
        "zone_example",
    ),
    _none(
        "bounces_are_not_of_the_future",
        "Bounces are later than the run's day. Are the times in UTC?",
        "late_bounces",
        "late_bounce_example",
    ),
    _none(
        "bounces_are_hard_or_soft",
        "A bounce is neither hard nor soft and changes nothing. Write 'hard' where an address cannot be reached.",
        "unknown_bounces",
        "odd_bounce_example",
    ),
    _none(
        "bounces_name_customer_or_address",
        "A bounce names neither customer nor address and changes nothing. Write one of them.",
        "nameless_bounces",
        "nameless_bounce_example",
    ),
]
