with promotions as (

    select * from {{ ref('stg_landing__promotions') }}

),

stores as (

    select * from {{ ref('int_promotion_stores') }}

),

final as (

    select
        promotions.product_id,
        promotions.starts_on,
        promotions.ends_on,
        -- A row without a store stands for all stores.
        max(case when promotions.store_id is null and promotions.has_mailer then 1 else 0 end) = 1
            as is_mailed_everywhere,
        max(case when promotions.store_id is null and promotions.has_display then 1 else 0 end) = 1
            as is_displayed_everywhere,
        {{ distinct_numbers('stores.store_key', where='promotions.has_mailer') }} as mailer_stores,
        {{ distinct_numbers('stores.store_key', where='promotions.has_display') }} as display_stores,
        count(*) as landed_rows
    from promotions
    left join stores on promotions.store_id = stores.store_id
    group by promotions.product_id, promotions.starts_on, promotions.ends_on

)

select * from final
