-- a hand-made warehouse in which every link holds: five weeks until 2026-10-31, one campaign a
-- platform, an order a day; the columns are those that the queries of the diagnoses read
create schema marts;
create schema marts_monitor;
create schema raw.google_ads;
create schema raw.meta_ads;
create schema raw._ingest;
use marts;

create table int_calendar__as_of as select date '2026-10-31' as as_of_date;
create table days as
select cast(day as date) as day
from range(date '2026-09-01', date '2026-11-01', interval 1 day) as days (day);

-- what the sync says
create table stg_ingest__loads as
select
    source,
    'ok' as status,
    4 as window_count,
    4 as planned_window_count,
    0 as rejected_count,
    cast(null as varchar) as error_messages,
    timestamp '2026-11-01 06:00:00' as started_at,
    timestamp '2026-11-01 06:01:00' as finished_at,
    timestamp '2026-11-01 06:00:00' as loaded_at
from (values ('google_ads'), ('meta_ads'), ('shop'), ('ga4')) as sources (source);
create table stg_ingest__freshness as
select
    source,
    date '2026-10-31' as last_day,
    date '2026-10-31' as last_row_day,
    timestamp '2026-11-01 06:00:00' as read_at
from stg_ingest__loads;
create table raw.google_ads._totals as
select day as date, 10.00 as account_total, 10.00 as loaded_total from days;
create table raw.meta_ads._totals as
select day as date, 20.00 as account_total, 20.00 as loaded_total from days;

-- spend
create table dim_campaigns as
select * from (
    values
    ('google_ads', 'g1', 'Search', 'USD'),
    ('meta_ads', 'm1', 'Prospecting', 'EUR')
) as campaigns (platform, campaign_id, campaign_name, currency);
create table int_ads__daily as
select
    campaigns.platform,
    campaigns.platform || '_account' as account_id,
    campaigns.campaign_id,
    days.day as report_date,
    cast(10 as decimal(18, 6)) as spend,
    cast(10 as decimal(18, 2)) as spend_usd,
    20 as clicks
from dim_campaigns as campaigns
cross join days;
create table fct_ad_spend as select * from int_ads__daily;
create table fct_campaign_performance as
select platform, campaign_id, report_date as performance_date, spend_usd from int_ads__daily;
create table int_calendar__exchange_rates as
select 'EUR' as currency, date '2026-10-30' as rate_date, date '2026-11-06' as valid_until_date;
create table stg_shop__budgets as
select date '2026-10-01' as budget_month, platform, campaign_id, 500.00 as budget_amount
from dim_campaigns;
create table stg_shop__targets as
select date '2026-10-01' as target_month, 'revenue' as metric, 9000 as target_value;

-- customers and orders: thirty customers, each ordered twice
create table stg_shop__customers as
select
    'c' || number as customer_key,
    'e' || number as email_key,
    'Germany' as country,
    timestamp '2026-09-01 00:00:00' as created_at
from range(30) as numbers (number);
create table stg_shop__orders as
select
    'o' || row_number() over (order by days.day) as order_id,
    'c' || ((row_number() over (order by days.day) - 1) % 30) as customer_key,
    'USD' as currency,
    cast(50 as decimal(18, 2)) as order_total,
    row_number() over (order by days.day) <= 30 as is_first_order,
    days.day as order_date,
    timestamp '2026-11-01 06:00:00' as loaded_at
from days
where days.day < date '2026-10-31';
create table stg_shop__refunds as
select 'r1' as refund_id, 'o1' as order_id, date '2026-09-03' as refund_date;
create table rpt_set_aside_orders as
select order_id, currency, order_total, order_date, date '2026-10-31' as as_of_date
from stg_shop__orders
where false;
create table int_orders__revenue as
select
    order_id,
    customer_key,
    order_total,
    cast(case when order_id = 'o1' then 40 else 50 end as decimal(18, 2)) as revenue_usd,
    case when order_id = 'o1' then 1 else 0 end as refund_count,
    false as is_refunded,
    is_first_order,
    order_date
from stg_shop__orders;
create table fct_conversions as
select
    orders.order_id as conversion_id,
    orders.customer_key as person_key,
    case when orders.is_first_order then 'first_order' else 'repeat_order' end as conversion_type,
    'USD' as currency,
    orders.order_total,
    revenue.revenue_usd,
    false as is_refunded,
    true as is_tracked,
    false as is_guest,
    false as is_opted_out,
    orders.order_date as conversion_date
from stg_shop__orders as orders
inner join int_orders__revenue as revenue on orders.order_id = revenue.order_id;

-- visits, touches, credit
create table int_web__sessions as
select
    campaigns.platform || days.day as session_id,
    cast(null as varchar) as customer_key,
    campaigns.platform,
    campaigns.campaign_id,
    'id' as campaign_match,
    campaigns.campaign_name as traffic_campaign,
    false as is_return,
    days.day as session_date
from dim_campaigns as campaigns
cross join days
cross join range(10) as visits (visit);
create table stg_ga4__events as select session_date as event_date from int_web__sessions;
create table int_web__purchases as
select conversion_id as order_id, cast(conversion_date as timestamp) as purchased_at
from fct_conversions;
create table rpt_unmapped_traffic as
select 'blog' as traffic_source, 'feed' as traffic_medium, 1 as sessions, 0 as conversions
where false;
create table fct_attribution as
select
    conversions.conversion_id,
    models.model,
    windows.window_days,
    1 as touch_position,
    1 as touch_count,
    conversions.conversion_type,
    't' || conversions.conversion_id as touchpoint_id,
    'paid_search' as channel,
    cast(1 as decimal(18, 12)) as credit,
    conversions.revenue_usd,
    windows.window_days = 30 as is_own_window,
    cast(86400 as double) as seconds_to_conversion
from fct_conversions as conversions
cross join (values ('last_touch'), ('position_based')) as models (model)
cross join (values (30), (90)) as windows (window_days);
create table int_attribution__default_model as
select conversion_id, channel, credit, revenue_usd from fct_attribution
where is_own_window and model = 'position_based';
create table fct_touchpoints as
select
    touchpoint_id,
    cast('device' as varchar) as person_key,
    cast(case when conversion_id = 'o2' then 7 end as integer) as consent_window_days
from fct_attribution
where is_own_window and model = 'position_based';

-- consent: everybody was asked, c29 refuses to be measured and c28 to be profiled
create table stg_shop__consents as
select
    customers.customer_key,
    purposes.purpose,
    not (customers.customer_key = 'c29' and purposes.purpose = 'analytics') as is_granted,
    timestamp '2026-09-01 00:00:00' as changed_at
from stg_shop__customers as customers
cross join (values ('analytics'), ('marketing'), ('profiling')) as purposes (purpose);
create table stg_ingest__consents as
select customer_key as person_key, purpose, is_granted, changed_at from stg_shop__consents
where false;
create table int_consent__decisions as
select 'shop' as decision_source, customer_key as person_key, purpose, is_granted, changed_at
from stg_shop__consents;
create table int_consent__customers as
select
    *,
    customer_key = 'c29' as has_denied_analytics,
    false as has_denied_marketing,
    customer_key in ('c28', 'c29') as has_denied_profiling,
    customer_key = 'c29' as is_opted_out
from stg_shop__customers;
update fct_conversions set person_key = null, is_opted_out = true where person_key = 'c29';
create table raw._ingest.audience_exports as
select
    'x1' as export_id,
    'rfm:champions' as audience,
    'meta' as platform,
    'champions.csv' as file_name,
    timestamp '2026-10-01 00:00:00' as exported_at;
create table raw._ingest.audience_members as
select 'x1' as export_id, 'c' || number as customer_key from range(20) as numbers (number);

-- value: as many histories as a fit wants
create table int_value__purchases as
select customer_key, order_date as purchase_date, revenue_usd from int_orders__revenue;
create table int_value__histories as
select
    cuts.cut_off,
    cuts.as_of_date,
    'h' || numbers.number as customer_key,
    case when numbers.number < 60 then 2 else 0 end as frequency,
    60 as age_days
from range(300) as numbers (number)
cross join (
    values ('current', date '2026-10-31'), ('hold_out', date '2026-08-02')
) as cuts (cut_off, as_of_date);
create table rpt_lifetime_value_fits as
select
    'fit' as model_id,
    date '2026-10-31' as as_of_date,
    'good' as status,
    cast(null as varchar) as reason,
    true as is_in_force,
    300 as customers,
    60 as repeat_customers,
    0.5 as r,
    6.7 as alpha_weeks,
    0.4 as a,
    1.4 as b,
    timestamp '2026-10-31 07:00:00' as fitted_at;
create table int_value__parameters as
select
    'current' as cut_off,
    'fit' as model_id,
    date '2026-10-31' as as_of_date,
    date '2026-10-31' as fit_date,
    0.1 as purchases_relative_error;
create table fct_customer_lifetime_value as
select
    customer_key,
    as_of_date as prediction_date,
    'bg_nbd' as shown_model,
    0.7 as probability_alive,
    12.00 as expected_revenue_365d_usd
from int_value__histories
where cut_off = 'current';
create table int_value__predictions as
select prediction_date, customer_key, 'fit' as model_id from (
    select distinct prediction_date - cast(7 * numbers.number as integer) as prediction_date, customer_key
    from fct_customer_lifetime_value
    cross join range(3) as numbers (number)
);
create table rpt_lifetime_value_accuracy as
select
    'hold_out' as kind,
    date '2026-08-02' as prediction_date,
    90 as horizon_days,
    'fit' as model_id,
    300 as customers,
    0.02 as revenue_bias,
    0.81 as interval_coverage,
    30.0 as revenue_mae_usd,
    40.0 as benchmark_revenue_mae_usd,
    1.0 as calibration_slope,
    true as has_beaten_benchmark;
create table rpt_lifetime_value_calibration as
select
    kind, prediction_date, horizon_days, model_id,
    'tenth' as group_kind, '10' as group_name, 1.0 as revenue_ratio
from rpt_lifetime_value_accuracy;
create table fct_customer_value as select customer_key from stg_shop__customers
where customer_key <> 'c29';

-- the marts' days, and the last look at the report
create table rpt_executive_kpis as select as_of_date from int_calendar__as_of;
create table rpt_budget_pacing as select as_of_date from int_calendar__as_of;
insert into fct_conversions
select
    'o61', null, 'repeat_order', 'USD', 50.00, 50.00, false, true, true, false, date '2026-10-31';
insert into stg_shop__orders
select
    'o61', null, 'USD', 50.00, false, date '2026-10-31', timestamp '2026-11-01 06:00:00';
insert into fct_attribution
select
    'o61', model, window_days, 1, 1, 'repeat_order', 'to61', 'direct', 1, 50.00,
    window_days = 30, 60.0
from fct_attribution
where conversion_id = 'o2';
create table int_attribution__credits as
select distinct conversion_id, window_days, touch_position, touchpoint_id, seconds_to_conversion
from fct_attribution;
create table marts_monitor.monitor_probes as
select
    'report' as target,
    timestamp '2026-11-01 07:30:00' as probed_at,
    true as is_available,
    true as is_fresh,
    3600.0 as age_seconds,
    cast(null as varchar) as error;
