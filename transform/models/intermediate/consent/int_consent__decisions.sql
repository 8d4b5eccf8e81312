with

shop as (

    select * from {{ ref('stg_shop__consents') }}

),

given as (

    select * from {{ ref('stg_ingest__consents') }}

),

members as (

    select * from {{ ref('stg_mailchimp__members') }}

),

profiles as (

    select * from {{ ref('stg_klaviyo__profiles') }}

),

contacts as (

    select * from {{ ref('stg_hubspot__contacts') }}

),

events as (

    select * from {{ ref('stg_ga4__events') }}

),

device_answers as (

    select
        device_key as person_key,
        'analytics' as purpose,
        is_analytics_consented as is_granted,
        event_at as changed_at
    from events
    where is_analytics_consented is not null

    union all

    select
        device_key as person_key,
        'profiling' as purpose,
        is_ads_consented as is_granted,
        event_at as changed_at
    from events
    where is_ads_consented is not null

),

of_devices as (

    -- of answers at one moment a refusal counts
    select
        person_key,
        purpose,
        changed_at,
        min(case when is_granted then 1 else 0 end) = 1 as is_granted
    from device_answers
    group by person_key, purpose, changed_at

),

device_changes as (

    select
        *,
        lag(is_granted) over (
            partition by person_key, purpose order by changed_at
        ) as was_granted
    from of_devices

),

of_shop as (

    -- of decisions at one moment the last number counts
    select
        *,
        row_number() over (
            partition by customer_key, purpose, changed_at order by consent_id desc
        ) as decision_rank
    from shop

),

decisions as (

    select
        'shop' as decision_source,
        customer_key as person_key,
        purpose,
        is_granted,
        changed_at
    from of_shop
    where decision_rank = 1

    union all

    select
        'given' as decision_source,
        person_key,
        purpose,
        is_granted,
        changed_at
    from given

    union all

    -- other changes of a member are no decision: who is subscribed agreed when it signed up
    select
        'mailchimp' as decision_source,
        email_key as person_key,
        'marketing' as purpose,
        member_status = 'subscribed' as is_granted,
        case
            when member_status = 'subscribed' then coalesce(opted_in_at, signed_up_at, changed_at)
            else changed_at
        end as changed_at
    from members
    where member_status in ('subscribed', 'unsubscribed')

    union all

    select
        'klaviyo' as decision_source,
        email_key as person_key,
        'marketing' as purpose,
        email_consent = 'SUBSCRIBED' as is_granted,
        coalesce(email_consent_at, updated_at) as changed_at
    from profiles
    where email_consent in ('SUBSCRIBED', 'UNSUBSCRIBED')

    union all

    select
        'hubspot' as decision_source,
        email_key as person_key,
        'marketing' as purpose,
        false as is_granted,
        coalesce(updated_at, created_at, loaded_at) as changed_at
    from contacts
    where is_opted_out

    union all

    select
        'ga4' as decision_source,
        person_key,
        purpose,
        is_granted,
        changed_at
    from device_changes
    where was_granted is null or was_granted <> is_granted

),

single as (

    -- an address may be in several lists or profiles
    select
        decision_source,
        person_key,
        purpose,
        changed_at,
        min(case when is_granted then 1 else 0 end) = 1 as is_granted
    from decisions
    where person_key is not null and changed_at is not null
    group by decision_source, person_key, purpose, changed_at

)

select * from single
