with

platform_clicks as (

    {{ platform_clicks() }}

),

numbered as (

    select
        platform,
        click_id,
        campaign_id,
        account_id,
        report_date,
        row_number() over (
            partition by platform, click_id
            order by report_date, account_id
        ) as occurrence
    from platform_clicks

),

clicks as (

    -- a click id that is met twice belongs to the campaign that had it first
    select
        platform,
        click_id,
        campaign_id,
        account_id,
        report_date
    from numbered
    where occurrence = 1

)

select * from clicks
