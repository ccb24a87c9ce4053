-- Promotions may be planned for the next four weeks; everything else must be in the past.
select
    'transactions' as table_name,
    max(transaction_at) as newest
from {{ ref('stg_landing__transactions') }}
having max(transaction_at) >= timestamp '{{ run_var("as_of_instant") }}'

union all

select
    'redemptions' as table_name,
    max(redeemed_on) as newest
from {{ ref('stg_landing__redemptions') }}
having max(redeemed_on) >= date '{{ run_var("as_of") }}'

union all

select
    'campaigns' as table_name,
    max(starts_on) as newest
from {{ ref('stg_landing__campaigns') }}
having max(starts_on) >= date '{{ run_var("as_of") }}'

union all

select
    'promotions' as table_name,
    max(starts_on) as newest
from {{ ref('stg_landing__promotions') }}
having max(starts_on) > {{ days_after("date '" ~ run_var("as_of") ~ "'", 28) }}

union all

select
    'events' as table_name,
    max(greatest(occurred_at, received_at)) as newest
from {{ ref('stg_landing__events') }}
having max(greatest(occurred_at, received_at)) >= timestamp '{{ run_var("as_of_instant") }}'
