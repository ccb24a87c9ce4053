with promotions as (

    select * from {{ ref('stg_landing__promotions') }}

),

final as (

    select
        product_id,
        starts_on,
        ends_on,
        -- A row without a store speaks for all stores.
        max(case when store_id is null and has_mailer then 1 else 0 end) = 1 as is_mailed_everywhere,
        max(case when store_id is null and has_display then 1 else 0 end) = 1 as is_displayed_everywhere,
        count(distinct case when has_mailer then store_id end) as mailer_stores,
        count(distinct case when has_display then store_id end) as display_stores,
        count(*) as landed_rows
    from promotions
    group by product_id, starts_on, ends_on

)

select * from final
