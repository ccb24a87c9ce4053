"""Summarise the admitted consents, addresses and bounces; no value of the frame has a customer's id or an address."""

from zoneinfo import available_timezones

import duckdb
import pandas as pd

from core.duckdb_engine import quote_literal
from outbox.customers.addresses import EMAIL
from quality.frames.engine import frame
from quality.frames.landing.admitted import Admitted

_DEFECT = f"""
    CASE WHEN address IS NULL THEN 'nothing in it'
         WHEN lower(trim(channel)) <> 'email' THEN NULL
         WHEN regexp_matches(address, '[\\s,;<>]') THEN 'blanks, commas or brackets'
         WHEN length(address) - length(replace(address, '@', '')) <> 1 THEN 'not exactly one @'
         WHEN NOT regexp_full_match(address, {quote_literal(EMAIL)}) THEN 'no name before or no domain after the @'
    END
"""
"""SQL: what is wrong with the address of a contact, without the address; NULL if it can be used."""


def contacts(admitted: Admitted) -> pd.DataFrame:
    """Return one row about the three tables; shares lie between 0 and 1.

    Columns:
        contradicting_consents: Instants at which a customer answered both yes and no.
        late_consents, late_bounces: Later than a day after as_of; they count from their own instant on.
        stranger_share: Of the customers of consents and contacts, those in neither transactions nor customers.
        copied_answer_share: Of the yeses, if there are 100 or more, those of one single instant.
        repeated_contacts: Customers with several addresses for one channel since the same instant.
        bad_address_share: Of the addresses, those to which no message can be sent.
        unknown_zones: Time zones that the IANA database does not have.
        unknown_bounces: Bounces of another kind than hard and soft.
        nameless_bounces: Bounces without customer and address.
    """
    consents, contact, bounces, transactions, customers = (
        admitted.table(name) for name in ("consents", "contacts", "bounces", "transactions", "customers")
    )
    late = f"TIMESTAMP {quote_literal(admitted.instant)} + INTERVAL 1 DAY"
    zone_count, zone = _unknown_zones(admitted.connection, contact)
    found = frame(
        admitted.connection,
        f"""
        WITH contradicting AS (
            SELECT channel, purpose, since FROM {consents} WHERE granted IS NOT NULL
            GROUP BY customer_id, channel, purpose, since HAVING count(DISTINCT granted) > 1
        ),
        person AS (
            SELECT customer_id FROM {consents} UNION SELECT customer_id FROM {contact}
        ),
        stranger AS (
            SELECT customer_id FROM person WHERE customer_id IS NOT NULL
            EXCEPT (SELECT customer_id FROM {transactions} UNION ALL SELECT customer_id FROM {customers})
        ),
        answer AS (
            SELECT since, count(*) AS answers FROM {consents} WHERE granted GROUP BY since
        ),
        repeated AS (
            SELECT channel FROM {contact} GROUP BY customer_id, channel, since HAVING count(DISTINCT address) > 1
        ),
        bad AS (
            SELECT channel, {_DEFECT} AS defect FROM {contact}
        ),
        odd AS (
            SELECT channel, kind, bounced_at FROM {bounces} WHERE lower(trim(kind)) NOT IN ('hard', 'soft')
        )
        SELECT 'contacts' AS subject,
               (SELECT count(*) FROM contradicting) AS contradicting_consents,
               (SELECT any_value('channel ' || channel || ', purpose ' || purpose || ', since ' || since)
                FROM contradicting) AS contradiction_example,
               (SELECT count(*) FROM {consents} WHERE since > {late}) AS late_consents,
               (SELECT 'since ' || max(since) FROM {consents} WHERE since > {late}) AS late_consent_example,
               (SELECT count(*) FROM stranger) / greatest((SELECT count(customer_id) FROM person), 1) AS stranger_share,
               (SELECT CASE WHEN sum(answers) >= 100 THEN max(answers) / sum(answers) ELSE 0 END FROM answer)
                   AS copied_answer_share,
               (SELECT 'since ' || arg_max(since, answers) FROM answer) AS copied_answer_example,
               (SELECT count(*) FROM repeated) AS repeated_contacts,
               (SELECT 'a customer with several addresses for ' || min(channel) FROM repeated)
                   AS repeated_contact_example,
               (SELECT count(defect) / greatest(count(*), 1) FROM bad) AS bad_address_share,
               (SELECT any_value('an address for ' || channel || ' with ' || defect) FROM bad WHERE defect IS NOT NULL)
                   AS bad_address_example,
               {zone_count} AS unknown_zones,
               {quote_literal(zone)} AS zone_example,
               (SELECT count(*) FROM {bounces} WHERE bounced_at > {late}) AS late_bounces,
               (SELECT 'at ' || max(bounced_at) FROM {bounces} WHERE bounced_at > {late}) AS late_bounce_example,
               (SELECT count(*) FROM odd) AS unknown_bounces,
               (SELECT any_value('kind ' || kind || ', at ' || bounced_at) FROM odd) AS odd_bounce_example,
               (SELECT count(*) FROM {bounces} WHERE customer_id IS NULL AND address IS NULL) AS nameless_bounces,
               (SELECT 'at ' || min(bounced_at) FROM {bounces} WHERE customer_id IS NULL AND address IS NULL)
                   AS nameless_bounce_example""",
    )
    return found.fillna({"copied_answer_share": 0.0})


def _unknown_zones(connection: duckdb.DuckDBPyConnection, contact: str) -> tuple[int, str]:
    rows = connection.execute(f"SELECT timezone, count(*) FROM {contact} WHERE timezone IS NOT NULL GROUP BY ALL")
    unknown = sorted((zone, count) for zone, count in rows.fetchall() if zone not in available_timezones())
    return sum(count for _, count in unknown), f"timezone {unknown[0][0]}" if unknown else ""
