with

attribution as (

    select * from {{ ref('int_attribution__default_model') }}
    where channel = 'email'

),

mails as (

    select * from {{ ref('int_email__mails') }}

),

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

customers as (

    select * from {{ ref('int_consent__customers') }}

),

messages as (

    select * from {{ ref('int_email__messages') }}
    where recipient_key is not null and recipient_domain is not null

),

domains as (

    select
        recipient_key,
        min(recipient_domain) as recipient_domain
    from messages
    group by recipient_key

),

credited as (

    -- a link that names no mail we know still brought what it brought
    select
        attribution.platform,
        mails.mail_id,
        domains.recipient_domain,
        cast(sum(attribution.credit) as {{ type_decimal(18, 12) }}) as attributed_conversions,
        cast(sum(attribution.revenue_usd) as decimal(18, 2)) as attributed_revenue_usd
    from attribution
    left join mails
        on attribution.platform = mails.platform and attribution.campaign_id = mails.mail_id
    left join orders on attribution.conversion_id = orders.order_id
    left join customers on orders.customer_key = customers.customer_key
    left join domains on customers.email_key = domains.recipient_key
    group by attribution.platform, mails.mail_id, domains.recipient_domain

),

numbered as (

    select
        row_number() over (
            order by platform asc, mail_id asc, recipient_domain asc
        ) as revenue_number,
        *
    from credited

)

select * from numbered
