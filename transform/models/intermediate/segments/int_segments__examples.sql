with

cut_offs as (

    select * from {{ ref('int_segments__cut_offs') }}
    where cut_off_role in ('train', 'judge')

),

features as (

    select * from {{ ref('int_segments__features') }}

),

orders as (

    -- a purchase as lifetime value knows it
    select * from {{ ref('int_orders__revenue') }}
    where revenue_usd > 0 and not is_refunded

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

meant as (

    select
        cut_offs.*,
        features.customer_key,
        features.segment,
        features.net_usd,
        {{ days_after('cut_offs.cut_off_date', 'cut_offs.horizon_days') }} as horizon_date
    from cut_offs
    inner join features
        on cut_offs.cut_off_date = features.cut_off_date
        and {{ is_meant('cut_offs', 'features') }}

),

bought as (

    select
        meant.segment_name,
        meant.cut_off_role,
        meant.customer_key,
        sum(orders.revenue_usd) as revenue_usd,
        min(orders.ordered_at) as next_ordered_at
    from meant
    inner join orders
        on meant.customer_key = orders.customer_key
        and meant.cut_off_date < orders.order_date
        and meant.horizon_date >= orders.order_date
    group by meant.segment_name, meant.cut_off_role, meant.customer_key

),

touched as (

    select
        meant.segment_name,
        meant.cut_off_role,
        meant.customer_key,
        touchpoints.channel,
        row_number() over (
            partition by meant.segment_name, meant.cut_off_role, meant.customer_key
            order by
                touchpoints.touched_at desc,
                touchpoints.ga_session_number desc,
                touchpoints.touchpoint_id desc
        ) as touch_rank
    from meant
    inner join bought
        on meant.segment_name = bought.segment_name
        and meant.cut_off_role = bought.cut_off_role
        and meant.customer_key = bought.customer_key
    inner join touchpoints
        on meant.customer_key = touchpoints.person_key
        and meant.cut_off_date < touchpoints.touch_date
        and bought.next_ordered_at >= touchpoints.touched_at
    where meant.goal = 'channel'

),

placed as (

    select
        meant.segment_name,
        meant.cut_off_role,
        meant.cut_off_date,
        meant.as_of_date,
        meant.goal,
        meant.definition,
        meant.horizon_days,
        meant.top_share,
        meant.rfm_segment,
        meant.customer_key,
        meant.segment,
        bought.customer_key is not null as has_bought,
        touched.channel,
        count(*) over (partition by meant.segment_name, meant.cut_off_role) as customers,
        rank() over (
            partition by meant.segment_name, meant.cut_off_role order by meant.net_usd desc
        ) as revenue_rank,
        rank() over (
            partition by meant.segment_name, meant.cut_off_role
            order by coalesce(bought.revenue_usd, 0) desc
        ) as next_revenue_rank
    from meant
    left join bought
        on meant.segment_name = bought.segment_name
        and meant.cut_off_role = bought.cut_off_role
        and meant.customer_key = bought.customer_key
    left join touched
        on meant.segment_name = touched.segment_name
        and meant.cut_off_role = touched.cut_off_role
        and meant.customer_key = touched.customer_key
        and touched.touch_rank = 1

),

seeded as (

    select
        *,
        goal = 'lookalike' and {{ is_seed() }} as is_seed
    from placed

),

answered as (

    -- a model of a seed audience learns who came into it, and is judged by who of those outside of
    -- it bought
    select
        seeded.*,
        case
            when seeded.goal = 'channel' then seeded.channel
            when
                (seeded.goal = 'buys' and seeded.has_bought)
                or (seeded.goal = 'stops' and not seeded.has_bought)
                or (
                    seeded.goal = 'top_revenue'
                    and seeded.has_bought
                    and seeded.next_revenue_rank <= seeded.top_share * seeded.customers
                )
                or (
                    seeded.goal = 'lookalike'
                    and (
                        later.customer_key is not null
                        or (seeded.cut_off_role = 'judge' and seeded.has_bought)
                    )
                )
                then 'yes'
            else 'no'
        end as answer
    from seeded
    left join seeded as later
        on seeded.segment_name = later.segment_name
        and seeded.customer_key = later.customer_key
        and seeded.cut_off_role = 'train'
        and later.cut_off_role = 'judge'
        and later.is_seed
    where not seeded.is_seed

),

drawn as (

    select
        *,
        row_number() over (
            partition by segment_name, cut_off_role order by customer_key
        ) as draw
    from answered
    where answer is not null

),

examples as (

    select
        drawn.segment_name,
        drawn.cut_off_role,
        drawn.cut_off_date,
        drawn.as_of_date,
        drawn.goal,
        drawn.definition,
        drawn.horizon_days,
        drawn.customer_key,
        features.recency_score,
        features.frequency_score,
        features.monetary_score,
        {% for name in segment_features() %}
            features.{{ name }},
        {% endfor %}
        drawn.answer
    from drawn
    inner join features
        on drawn.cut_off_date = features.cut_off_date
        and drawn.customer_key = features.customer_key
    where drawn.draw <= {{ most_examples() }}

)

select * from examples
