select sold.product_id
from {{ ref('dim_products') }} as sold
left join {{ ref('feat_product_content') }} as contents on sold.product_id = contents.product_id
where
    sold.is_sold
    and not sold.is_in_catalogue
    and (contents.product_id is null or contents.product_name <> '' or contents.department <> '')
