with

united as (

    {{ platform_campaign_names() }}

),

names as (

    select
        platform,
        campaign_id,
        {{ plain_words('campaign_name') }} as campaign_words,
        valid_from_at,
        valid_to_at
    from united
    where campaign_name is not null and campaign_name <> ''

)

select * from names
