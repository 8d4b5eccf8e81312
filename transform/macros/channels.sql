{#- every channel there is: name, label, is it paid, order on reports. 'unattributed' holds the
    conversions without an eligible touch -#}
{% macro channels() -%}
    {{ return([
        ('paid_search', 'Paid search', true),
        ('paid_social', 'Paid social', true),
        ('email', 'Email', false),
        ('organic_search', 'Organic search', false),
        ('organic_social', 'Organic social', false),
        ('referral', 'Referral', false),
        ('direct', 'Direct', false),
        ('unattributed', 'Unattributed', false),
    ]) }}
{%- endmacro %}

{% macro channel_rows() -%}
    {%- for name, label, is_paid in channels() %}
    select
        '{{ name }}' as channel,
        '{{ label }}' as channel_name,
        {{ is_paid | lower }} as is_paid,
        cast({{ loop.index }} as integer) as sort_order
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the one place that turns traffic parameters into a channel. Stated medium first, then click
    ids of the platforms (fbclid is none of them: free posts carry it too), then the referring
    host. An own host as referrer counts as none. -#}
{% macro channel_group(source, medium, gclid, page_location, referrer_host) -%}
    {%- set social = "('facebook', 'instagram', 'linkedin', 'twitter', 'tiktok', 'pinterest')" -%}
    case
        when {{ medium }} in ('email', 'e-mail', 'newsletter')
            or {{ source }} in ('klaviyo', 'mailchimp')
            then 'email'
        when {{ medium }} in ('paid_social', 'paidsocial', 'paid-social') then 'paid_social'
        when {{ medium }} in ('cpc', 'ppc', 'paid_search', 'paidsearch', 'paid-search')
            then case when {{ source }} in {{ social }} then 'paid_social' else 'paid_search' end
        {%- for platform in var('platforms') if platform.click_id is defined %}
        when {{ has_click_id(platform, gclid, page_location) }} then '{{ platform.channel }}'
        {%- endfor %}
        when {{ medium }} = 'organic' then 'organic_search'
        when {{ medium }} in ('social', 'organic_social', 'organic-social') then 'organic_social'
        when {{ medium }} = 'referral' then 'referral'
        when {{ source }} in {{ social }} or {{ page_location }} like '%fbclid=%'
            then 'organic_social'
        when {{ referrer_host }} like '%google.%' or {{ referrer_host }} like '%bing.%'
            or {{ referrer_host }} like '%duckduckgo.%' or {{ referrer_host }} like '%ecosia.%'
            or {{ referrer_host }} like '%yahoo.%'
            then 'organic_search'
        when {{ referrer_host }} like '%facebook.%' or {{ referrer_host }} like '%instagram.%'
            or {{ referrer_host }} like '%linkedin.%' or {{ referrer_host }} like '%tiktok.%'
            or {{ referrer_host }} like '%pinterest.%' or {{ referrer_host }} in ('t.co', 'x.com')
            then 'organic_social'
        when {{ referrer_host }} is not null then 'referral'
        else 'direct'
    end
{%- endmacro %}

{#- host of a web address, null when there is none -#}
{% macro url_host(url) -%}
    nullif(lower(split_part(split_part({{ url }}, '//', 2), '/', 1)), '')
{%- endmacro %}
