{#- the figures of mail that add up, as columns of int_email__activity -#}
{% macro email_figures() -%}
    {{ return([
        'sent', 'delivered', 'bounces', 'hard_bounces', 'soft_bounces',
        'human_opens', 'machine_opens', 'human_openers', 'machine_openers', 'openers',
        'human_clicks', 'machine_clicks', 'human_clickers', 'clickers',
        'unsubscribes', 'complaints',
    ]) }}
{%- endmacro %}

{#- those that messages tell, as sums of a group of them -#}
{% macro message_figures() -%}
    sum(sent) as sent,
        sum(delivered) as delivered,
        sum(bounces) as bounces,
        sum(hard_bounces) as hard_bounces,
        sum(soft_bounces) as soft_bounces,
        sum(human_opens) as human_opens,
        sum(machine_opens) as machine_opens,
        count(case when human_opens > 0 then 1 end) as human_openers,
        count(case when machine_opens > 0 then 1 end) as machine_openers,
        count(case when human_opens + machine_opens > 0 then 1 end) as openers,
        sum(human_clicks) as human_clicks,
        sum(machine_clicks) as machine_clicks,
        count(case when human_clicks > 0 then 1 end) as human_clickers,
        count(case when human_clicks + machine_clicks > 0 then 1 end) as clickers,
        sum(unsubscribes) as unsubscribes
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
