{#- the figures of mail that add up, as columns of int_email__activity -#}
{% macro email_figures() -%}
    {{ return([
        'sent', 'delivered', 'bounces', 'hard_bounces', 'soft_bounces',
        'human_opens', 'machine_opens', 'human_openers', 'machine_openers', 'openers',
        'human_clicks', 'machine_clicks', 'human_clickers', 'clickers',
        'unsubscribes', 'complaints',
    ]) }}
{%- endmacro %}

{#- what they say for each other, as columns: of persons where machines are told from them -#}
{% macro email_ratios() -%}
    {{ safe_ratio('delivered', 'sent') }} as delivery_rate,
        {{ safe_ratio('bounces', 'sent') }} as bounce_rate,
        {{ safe_ratio('human_openers', 'delivered') }} as open_rate,
        {{ safe_ratio('human_clickers', 'delivered') }} as click_rate,
        {{ safe_ratio('human_clickers', 'human_openers') }} as click_to_open_rate,
        {{ safe_ratio('unsubscribes', 'delivered') }} as unsubscribe_rate,
        {{ safe_ratio('complaints', 'delivered') }} as complaint_rate,
        {{ safe_ratio('attributed_revenue_usd', 'delivered') }} as revenue_per_delivered_usd
{%- endmacro %}

{#- what attribution gives a mail, nothing being zero; null on platforms whose links it does not know
    (the variable platforms) -#}
{% macro credited_mail(value, decimals, platform='mails.platform') -%}
    {%- do check_platform_list() -%}
    cast(
        coalesce({{ value }}, case when {{ platform }} in {{ text_list(
            var('platforms') | selectattr('channel', 'equalto', 'email')
            | map(attribute='name') | list
        ) }} then 0 end) as {{ type_decimal(18, decimals) }}
    )
{%- endmacro %}
