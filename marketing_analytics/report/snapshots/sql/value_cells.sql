-- what customers are expected to bring, by month and channel of their first purchase, merged in the
-- mart
select
    prediction_date,
    shown_model,
    cohort_month,
    acquisition_channel as channel,
    is_merged,
    customers,
    expected_revenue_30d_usd,
    revenue_30d_low_usd,
    revenue_30d_high_usd,
    expected_revenue_90d_usd,
    revenue_90d_low_usd,
    revenue_90d_high_usd,
    expected_revenue_180d_usd,
    revenue_180d_low_usd,
    revenue_180d_high_usd,
    expected_revenue_365d_usd,
    revenue_365d_low_usd,
    revenue_365d_high_usd,
    value_365d_usd
from rpt_lifetime_value
