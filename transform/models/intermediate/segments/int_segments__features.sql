with

orders as (

    select * from {{ ref('int_segments__orders') }}

),

rfm as (

    select * from {{ ref('int_segments__rfm') }}

),

visits as (

    select * from {{ ref('int_segments__visits') }}

),

customers as (

    select * from {{ ref('int_identity__customers') }}

),

activity as (

    -- machines' too, and no clicks: what is a machine's is known only later, by what else it did
    select * from {{ ref('stg_mailchimp__email_activity') }}
    where action = 'open'

),

visited as (

    -- a visit of the last day may go on after it
    select
        cut_offs.cut_off_date,
        cut_offs.customer_key,
        count(case when {{ is_lately('visits.visit_date', 30) }} then 1 end) as visits_30d,
        count(case when {{ is_lately('visits.visit_date', 90) }} then 1 end) as visits_90d,
        count(*) as visits_180d,
        count(case when {{ is_since_purchase('visits.visit_date') }} then 1 end) as visits_since,
        max(visits.visit_date) as last_visit_date,
        {% for channel in habitual_channels() %}
            count(case when visits.channel = '{{ channel }}' then 1 end) as {{ channel }}_visits,
        {% endfor %}
        count(
            case
                when visits.has_add_to_cart and {{ is_lately('visits.visit_date', 90) }} then 1
            end
        ) as carts_90d
    from orders as cut_offs
    inner join visits
        on cut_offs.customer_key = visits.customer_key
        and cut_offs.cut_off_date > visits.visit_date
        and {{ is_lately('visits.visit_date', 180) }}
    group by cut_offs.cut_off_date, cut_offs.customer_key

),

opens as (

    select
        customers.customer_key,
        cast(activity.activity_at as date) as open_date
    from activity
    inner join customers on activity.email_key = customers.email_key

),

opened as (

    select
        cut_offs.cut_off_date,
        cut_offs.customer_key,
        count(case when {{ is_lately('opens.open_date', 30) }} then 1 end) as opens_30d,
        count(case when {{ is_lately('opens.open_date', 90) }} then 1 end) as opens_90d,
        count(*) as opens_180d,
        count(case when {{ is_since_purchase('opens.open_date') }} then 1 end) as opens_since
    from orders as cut_offs
    inner join opens
        on cut_offs.customer_key = opens.customer_key
        and cut_offs.cut_off_date >= opens.open_date
        and {{ is_lately('opens.open_date', 180) }}
    group by cut_offs.cut_off_date, cut_offs.customer_key

),

intervals as (

    select
        *,
        {{ safe_ratio('age_days - recency_days', 'purchases - 1') }} as gap_days
    from orders

),

features as (

    select
        intervals.cut_off_date,
        intervals.customer_key,
        intervals.purchases,
        intervals.recency_days,
        intervals.net_usd,
        rfm.segment,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        {{ dampened('intervals.recency_days') }} as recency,
        ln({{ as_double('intervals.purchases') }}) as frequency,
        {{ dampened('intervals.age_days') }} as age,
        {{ dampened('intervals.net_usd') }} as revenue,
        {{ dampened(safe_ratio('intervals.net_usd', 'intervals.purchases')) }} as mean_value,
        case when intervals.purchases > 1 then 1e0 else 0e0 end as is_repeat,
        {{ dampened('intervals.gap_days') }} as gap,
        case
            when intervals.purchases > 1
                then
                    {{ dampened('intervals.recency_days') }}
                    - {{ dampened('intervals.gap_days') }}
            else 0e0
        end as overdue,
        {{ dampened('intervals.purchases_30d') }} as purchases_30d,
        {{ dampened('intervals.purchases_90d') }} as purchases_90d,
        {{ dampened('intervals.refunded_orders') }} as refunds,
        case when intervals.is_last_refunded then 1e0 else 0e0 end as is_last_refunded,
        {{ dampened('visited.visits_30d') }} as visits_30d,
        {{ dampened('visited.visits_90d') }} as visits_90d,
        {{ dampened('visited.visits_180d') }} as visits_180d,
        {{ dampened('visited.visits_since') }} as visits_since,
        -- whoever was not seen at all, as if the visit had just gone out of sight
        ln(
            1e0 + coalesce(
                {{ as_double(days_between('visited.last_visit_date', 'intervals.cut_off_date')) }},
                180e0
            )
        ) as last_visit,
        {{ dampened('visited.carts_90d') }} as carts_90d,
        {% for channel in habitual_channels() %}
            {{ dampened('visited.' ~ channel ~ '_visits') }} as {{ channel }}_visits,
        {% endfor %}
        {{ dampened('opened.opens_30d') }} as opens_30d,
        {{ dampened('opened.opens_90d') }} as opens_90d,
        {{ dampened('opened.opens_180d') }} as opens_180d,
        {{ dampened('opened.opens_since') }} as opens_since
    from intervals
    inner join rfm
        on intervals.cut_off_date = rfm.cut_off_date
        and intervals.customer_key = rfm.customer_key
    left join visited
        on intervals.cut_off_date = visited.cut_off_date
        and intervals.customer_key = visited.customer_key
    left join opened
        on intervals.cut_off_date = opened.cut_off_date
        and intervals.customer_key = opened.customer_key

)

select * from features
