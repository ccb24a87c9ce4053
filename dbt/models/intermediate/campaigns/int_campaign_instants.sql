-- A campaign is looked at twice: when it starts, to learn from it, and at the newest snapshot while it runs, to offer
-- its coupons.
with campaigns as (

    select * from {{ ref('int_campaigns') }}

),

snapshots as (

    select * from {{ ref('int_snapshots') }}

),

span as (

    select
        max(snapshot_at) as newest_at,
        max(snapshot_on) as newest_on
    from snapshots

),

instants as (

    select
        campaigns.*,
        campaigns.starts_at as offered_at,
        campaigns.starts_on as offered_on,
        false as is_newest
    from campaigns
    inner join span on campaigns.starts_at < span.newest_at
    where campaigns.is_covered

    union all

    select
        campaigns.*,
        span.newest_at as offered_at,
        span.newest_on as offered_on,
        true as is_newest
    from campaigns
    inner join span on campaigns.starts_on < span.newest_on and campaigns.ends_on >= span.newest_on

),

final as (

    select
        campaign_id,
        campaign_type,
        offered_at,
        {% for weeks in [4, 13, 26] -%}
        {{ start_of_local_day(days_after('offered_on', -7 * weeks)) }} as since_{{ weeks }}w,
        {% endfor -%}
        offered_on,
        ends_on,
        closes_at,
        customers,
        is_newest
    from instants

)

select * from final
