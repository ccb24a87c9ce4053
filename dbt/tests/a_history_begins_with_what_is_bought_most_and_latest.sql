-- The newest snapshot is tested for all; consumers read the head of the lists and rely on the order.
with newest as (

    select max(event_timestamp) as event_timestamp from {{ ref('feat_customer_history') }}

)

select
    histories.customer_id,
    histories.event_timestamp
from {{ ref('feat_customer_history') }} as histories
inner join newest on histories.event_timestamp = newest.event_timestamp
where not {{ list_descends('histories.decayed_120d') }}
