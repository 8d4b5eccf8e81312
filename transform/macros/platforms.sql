{#- the platforms of `vars: platforms` whose spend is loaded: those with staging models of days -#}
{% macro loaded_platforms() -%}
    {%- do check_platform_list() -%}
    {{ return(var('platforms') | selectattr('days', 'defined') | list) }}
{%- endmacro %}

{#- the staging model of one raw table of a platform -#}
{% macro staged(platform, table_name) -%}
    {{ return(ref('stg_' ~ platform.name ~ '__' ~ table_name)) }}
{%- endmacro %}

{#- campaigns of all loaded platforms, with currency and time zone of their account -#}
{% macro platform_campaigns() -%}
    {%- for platform in loaded_platforms() %}
    select
        '{{ platform.name }}' as platform,
        campaigns.campaign_id,
        campaigns.account_id,
        campaigns.campaign_name,
        campaigns.campaign_status,
        campaigns.{{ platform.campaign_kind }} as campaign_kind,
        accounts.currency,
        accounts.time_zone,
        campaigns.daily_budget
    from {{ staged(platform, 'campaigns') }} as campaigns
    left join {{ staged(platform, platform.accounts) }} as accounts
        on campaigns.account_id = accounts.account_id
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    days of all loaded platforms, each at the finest level that holds all of its spend; a day keeps
    the currency it was read with, also when its account has another one now
-#}
{% macro platform_days() -%}
    {%- for platform in loaded_platforms() %}
    select
        '{{ platform.name }}' as platform,
        days.account_id,
        days.campaign_id,
        days.{{ platform.finest }} as row_id,
        days.report_date,
        coalesce(days.currency, accounts.currency) as currency,
        days.impressions,
        days.clicks,
        days.spend,
        days.conversions,
        days.conversion_value
    from {{ staged(platform, platform.days) }} as days
    left join {{ staged(platform, platform.accounts) }} as accounts
        on days.account_id = accounts.account_id
    where {{ is_known_by_as_of('days.report_date') }}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- days of the ads of all loaded platforms that have any, with the names of ad and group -#}
{% macro platform_ad_days() -%}
    {%- for platform in loaded_platforms() | selectattr('ad_days', 'defined') %}
    {%- set group = platform.ad_group is defined %}
    select
        '{{ platform.name }}' as platform,
        days.account_id,
        days.campaign_id,
        {{ 'days.' ~ platform.ad_group ~ '_id' if group else as_text("'(none)'") }} as ad_group_id,
        {{ 'ad_groups.' ~ platform.ad_group ~ '_name' if group else as_text('null') }}
            as ad_group_name,
        days.{{ platform.ad }}_id as ad_id,
        ads.{{ platform.ad }}_name as ad_name,
        days.report_date,
        coalesce(days.currency, accounts.currency) as currency,
        days.impressions,
        {{ 'days.' ~ platform.reach if platform.reach is defined else 'cast(null as bigint)' }}
            as reach,
        days.clicks,
        days.spend,
        days.conversions,
        days.conversion_value,
        {{ 'true' if platform.finest == platform.ad ~ '_id' else 'false' }} as is_finest
    from {{ staged(platform, platform.ad_days) }} as days
    left join {{ staged(platform, platform.accounts) }} as accounts
        on days.account_id = accounts.account_id
    left join {{ staged(platform, platform.ad ~ 's') }} as ads
        on days.{{ platform.ad }}_id = ads.{{ platform.ad }}_id
    {%- if group %}
        {#- Google numbers an ad within its group: an ad that stands in two groups has two rows #}
        and days.{{ platform.ad_group }}_id = ads.{{ platform.ad_group }}_id
    left join {{ staged(platform, platform.ad_group ~ 's') }} as ad_groups
        on days.{{ platform.ad_group }}_id = ad_groups.{{ platform.ad_group }}_id
    {%- endif %}
    where {{ is_known_by_as_of('days.report_date') }}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- else -%}
    {{ no_ad_days(loaded_platforms()[0]) }}
    {%- endfor -%}
{%- endmacro %}

{#- the same columns without a row, where no platform tells of its ads -#}
{% macro no_ad_days(platform) %}
    select
        {{ as_text('null') }} as platform,
        account_id,
        campaign_id,
        {{ as_text('null') }} as ad_group_id,
        {{ as_text('null') }} as ad_group_name,
        {{ as_text('null') }} as ad_id,
        {{ as_text('null') }} as ad_name,
        report_date,
        currency,
        impressions,
        cast(null as bigint) as reach,
        clicks,
        spend,
        conversions,
        conversion_value,
        false as is_finest
    from {{ staged(platform, platform.days) }}
    where 1 = 0
{%- endmacro %}

{#- the ads of a campaign and day, in an order that does not change -#}
{% macro ads_of_a_day() -%}
    partition by platform, account_id, campaign_id, report_date, currency
            order by ad_group_id, ad_id
            rows between unbounded preceding and current row
{%- endmacro %}

{#- what lies between two running totals of a day, each rounded in the reporting currency -#}
{% macro between_amounts(before, until) -%}
    cast(
            {{ in_reporting_currency(until, 'spans.currency', 'spans.report_date') }}
            - {{ in_reporting_currency(before, 'spans.currency', 'spans.report_date') }}
            as decimal(18, 2)
        )
{%- endmacro %}

{#- clicks of all platforms that tell them one by one, with their click ids -#}
{% macro platform_clicks() -%}
    {%- do check_platform_list() -%}
    {%- for platform in var('platforms') | selectattr('clicks', 'defined') %}
    select
        '{{ platform.name }}' as platform,
        {{ platform.click_id }} as click_id,
        campaign_id,
        account_id,
        report_date
    from {{ staged(platform, platform.clicks) }}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- else %}
    {%- set platform = loaded_platforms()[0] %}
    select
        {{ as_text('null') }} as platform,
        {{ as_text('null') }} as click_id,
        campaign_id,
        account_id,
        report_date
    from {{ staged(platform, platform.days) }}
    where 1 = 0
    {%- endfor -%}
{%- endmacro %}

{#- the value by which the platform of a visit knows its click: of Google's id also the export tells,
    which names no other -#}
{% macro told_click() -%}
    {%- do check_platform_list() -%}
    {%- set google = var('platforms') | selectattr('clicks', 'defined')
        | selectattr('click_id', 'equalto', 'gclid') | map(attribute='name') | list -%}
    {%- if google -%}
    case when traffic.platform in {{ text_list(google) }} then visits.gclid else visits.click_value end
    {%- else -%}
    visits.click_value
    {%- endif -%}
{%- endmacro %}

{#- every name that a campaign of the loaded platforms has or had, with its time span; an empty span
    for the present one, which the history has once more if there is any -#}
{% macro platform_campaign_names() -%}
    {%- for platform in loaded_platforms() %}
    select
        '{{ platform.name }}' as platform,
        campaign_id,
        campaign_name,
        cast('9999-12-31 00:00:00' as timestamp) as valid_from_at,
        cast('9999-12-31 00:00:00' as timestamp) as valid_to_at
    from {{ staged(platform, 'campaigns') }}
    {%- if platform.history is defined %}

    union all

    select
        '{{ platform.name }}' as platform,
        campaign_id,
        campaign_name,
        valid_from_at,
        valid_to_at
    from {{ staged(platform, platform.history) }}
    {%- endif %}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- spend of every loaded platform as its raw rows add up, in their own currencies -#}
{% macro raw_spend() -%}
    {%- for platform in loaded_platforms() %}
    {%- set spent = 'coalesce(' ~ platform.raw_spend ~ ', 0)' %}
    select
        '{{ platform.name }}' as platform,
        cast(
            sum({{ micros_to_amount(spent) if platform.raw_spend_is_micros else spent }})
            as decimal(18, 6)
        ) as spend
    from {{ source(platform.name, platform.days) }}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- names as a list of SQL texts -#}
{% macro text_list(names) -%}
    ('{{ names | join("', '") }}')
{%- endmacro %}

{#- the channel in which a platform's spend is counted where its campaign does not say -#}
{% macro platform_channel(platform) -%}
    {%- do check_platform_list() -%}
    case {{ platform }}
        {%- for row in var('platforms') %}
        when '{{ row.name }}' then '{{ row.channel }}'
        {%- endfor %}
    end
{%- endmacro %}

{#- the platforms that sell clicks: all but those that send their own mail -#}
{% macro ad_platform_list() -%}
    {%- do check_platform_list() -%}
    {{ text_list(var('platforms') | rejectattr('channel', 'equalto', 'email')
        | map(attribute='name') | list) }}
{%- endmacro %}

{#-
    the first and the last day of each platform whose spend is loaded: a day without a row between
    them cost nothing, of the others nothing is known. `spend` has rows of fct_ad_spend
-#}
{% macro loaded_spend_days(spend='spend') -%}
    select
        platform,
        min(report_date) as first_date,
        max(report_date) as last_date
    from {{ spend }}
    group by platform
{%- endmacro %}
