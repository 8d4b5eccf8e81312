with

messages as (

    select * from {{ ref('int_email__messages') }}

),

mails as (

    select * from {{ ref('int_email__mails') }}

),

activity as (

    select * from {{ ref('int_email__activity') }}

),

revenue as (

    select * from {{ ref('int_email__revenue') }}

),

figures as (

    -- of what a platform counts as a whole nobody knows the recipients' domains
    {%- for breakdown in ['audience_id', 'sender_domain'] %}
        select
            mails.platform,
            '{{ breakdown }}' as breakdown,
            coalesce(mails.{{ breakdown }}, 'unknown') as cell,
        {%- for figure in email_figures() %}
            sum(activity.{{ figure }}) as {{ figure }}
        {{ ',' if not loop.last }}
        {%- endfor %}
        from mails
        inner join activity
            on mails.platform = activity.platform and mails.mail_id = activity.mail_id
        group by mails.platform, coalesce(mails.{{ breakdown }}, 'unknown')

        union all
    {% endfor %}
    select
        platform,
        'recipient_domain' as breakdown,
        coalesce(recipient_domain, 'unknown') as cell,
        {{ message_figures() }},
        case when platform <> 'mailchimp' then sum(complaints) end as complaints
    from messages
    group by platform, coalesce(recipient_domain, 'unknown')

),

persons as (

    {% for breakdown in ['audience_id', 'sender_domain'] -%}
        select
            mails.platform,
            '{{ breakdown }}' as breakdown,
            coalesce(mails.{{ breakdown }}, 'unknown') as cell,
            count(distinct messages.recipient_key) as recipients
        from messages
        inner join mails on messages.platform = mails.platform and messages.mail_id = mails.mail_id
        group by mails.platform, coalesce(mails.{{ breakdown }}, 'unknown')

        union all

    {% endfor -%}
    select
        platform,
        'recipient_domain' as breakdown,
        coalesce(recipient_domain, 'unknown') as cell,
        count(distinct recipient_key) as recipients
    from messages
    group by platform, coalesce(recipient_domain, 'unknown')

),

credits as (

    {% for breakdown in ['audience_id', 'sender_domain'] -%}
        select
            coalesce(revenue.platform, 'unknown') as platform,
            '{{ breakdown }}' as breakdown,
            coalesce(mails.{{ breakdown }}, 'unknown') as cell,
            sum(revenue.attributed_conversions) as attributed_conversions,
            sum(revenue.attributed_revenue_usd) as attributed_revenue_usd
        from revenue
        left join mails on revenue.platform = mails.platform and revenue.mail_id = mails.mail_id
        group by coalesce(revenue.platform, 'unknown'), coalesce(mails.{{ breakdown }}, 'unknown')

        union all

    {% endfor -%}
    select
        coalesce(platform, 'unknown') as platform,
        'recipient_domain' as breakdown,
        coalesce(recipient_domain, 'unknown') as cell,
        sum(attributed_conversions) as attributed_conversions,
        sum(attributed_revenue_usd) as attributed_revenue_usd
    from revenue
    group by coalesce(platform, 'unknown'), coalesce(recipient_domain, 'unknown')

),

cells as (

    select
        platform,
        breakdown,
        cell
    from figures

    {{ union_distinct() }}

    select
        platform,
        breakdown,
        cell
    from credits

),

joined as (

    select
        cells.platform,
        cells.breakdown,
        cells.cell,
        coalesce(persons.recipients, 0) as recipients,
        {%- for figure in email_figures() %}
            figures.{{ figure }},
        {%- endfor %}
        credits.attributed_conversions,
        credits.attributed_revenue_usd
    from cells
    left join figures
        on cells.platform = figures.platform
        and cells.breakdown = figures.breakdown
        and cells.cell = figures.cell
    left join persons
        on cells.platform = persons.platform
        and cells.breakdown = persons.breakdown
        and cells.cell = persons.cell
    left join credits
        on cells.platform = credits.platform
        and cells.breakdown = credits.breakdown
        and cells.cell = credits.cell

),

judged as (

    -- a domain of few is that of a family: it would name them
    select
        *,
        breakdown = 'recipient_domain'
        and cell <> 'unknown'
        and (
            {{ is_merged_cell('recipients', "platform, breakdown, cell = 'unknown'", 'cell') }}
        ) as is_merged
    from joined

),

merged as (

    select
        platform,
        breakdown,
        {{ cell_name('cell') }} as cell,
        cast(count(*) as bigint) as merged_cells,
        {%- for figure in email_figures() %}
            cast(sum({{ figure }}) as bigint) as {{ figure }},
        {%- endfor %}
        {{ credited_mail('sum(attributed_conversions)', 6, 'platform') }}
            as attributed_conversions,
        {{ credited_mail('sum(attributed_revenue_usd)', 2, 'platform') }}
            as attributed_revenue_usd
    from judged
    group by platform, breakdown, {{ cell_name('cell') }}

),

rated as (

    select
        *,
        {{ email_ratios() }}
    from merged

)

select * from rated
