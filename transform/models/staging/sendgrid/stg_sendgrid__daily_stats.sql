with

source as (

    select * from {{ source('sendgrid', 'daily_stats') }}

),

renamed as (

    select
        account_id,
        report_date,
        blocks,
        bounce_drops,
        bounces,
        clicks,
        deferred,
        delivered,
        invalid_emails,
        opens,
        processed,
        requests,
        spam_report_drops,
        spam_reports,
        unique_clicks,
        unique_opens,
        unsubscribe_drops,
        unsubscribes,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
