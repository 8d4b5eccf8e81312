with

source as (

    select * from {{ source('hubspot', 'workflow_emails') }}

),

renamed as (

    select
        workflow_id,
        email_id as marketing_email_id,
        email_campaign_id,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
