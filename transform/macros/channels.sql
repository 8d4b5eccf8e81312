{#- a traffic parameter as people meant it: lower case, decoded, null when it says nothing -#}
{% macro plain_text(value) -%}
    {%- set codes = [
        ('%25', '%'), ('%20', ' '), ('+', ' '), ('%2b', ' '), ('%2d', '-'), ('%2e', '.'), ('%5f', '_'),
        ('%2f', '/'), ('%3a', ':'), ('%7c', '|'), ('%28', '('), ('%29', ')'), ('%26', '&')
    ] -%}
    {%- set blanks = [
        '', '-', '(not set)', 'not set', '(none)', 'none', '(direct)', 'direct', '(organic)',
        '(referral)', '(ai-assistant)', 'null', 'undefined', 'n/a'
    ] -%}
    {%- set decoded = namespace(sql='lower(' ~ value ~ ')') -%}
    {%- for code, character in codes -%}
        {%- set decoded.sql = "replace(" ~ decoded.sql ~ ", '" ~ code ~ "', '" ~ character ~ "')" -%}
    {%- endfor -%}
    {#- most values hold no code, and decoding every event costs more than all else -#}
    {%- set is_coded = contains(value, "'%'") ~ ' or ' ~ contains(value, "'+'") -%}
    {%- set text = 'trim(case when ' ~ is_coded ~ ' then ' ~ decoded.sql
        ~ ' else lower(' ~ value ~ ') end)' -%}
    case when {{ text }} not in {{ text_list(blanks) }} then {{ text }} end
{%- endmacro %}

{#- words with one blank for whatever separates them, so that paid_social equals Paid-Social -#}
{% macro plain_words(value) -%}
    trim(replace(replace(replace(
        translate(lower({{ value }}), '_-/|.:,;+()[]&', '              '),
        '    ', ' '
    ), '   ', ' '), '  ', ' '))
{%- endmacro %}

{#- a source with one spelling of its separators; hosts stay as they are -#}
{% macro plain_name(value) -%}
    translate(lower({{ value }}), '_ ', '--')
{%- endmacro %}

{#- a pattern of a seed table for `like`: * stands for any text, ? for one character -#}
{% macro like_words(pattern) -%}
    translate(lower({{ pattern }}), '_-*?', '  %_')
{%- endmacro %}

{% macro like_name(pattern) -%}
    translate(lower({{ pattern }}), '_ *?', '--%_')
{%- endmacro %}

{#- does a text fit a pattern of a rule: an empty pattern fits all, (none) the empty text -#}
{% macro fits(text, pattern, like_pattern) -%}
    (
        {{ pattern }} is null
        or ({{ pattern }} = '(none)' and {{ text }} = '')
        or {{ text }} like {{ like_pattern }}
    )
{%- endmacro %}

{#- is a host a domain of a seed table or one of its sub-domains; notfacebook.com is none of
    facebook.com's, and neither is facebook.com.evil.example -#}
{% macro is_host_of(host, domain) -%}
    (
        {{ host }} like {{ like_name(domain) }}
        or {{ host }} like '%.' || {{ like_name(domain) }}
    )
{%- endmacro %}

{#- are two hosts the same, or is one a sub-domain of the other -#}
{% macro is_same_site(host, other) -%}
    (
        {{ host }} = {{ other }}
        or {{ ends_with(host, "'.' || " ~ other) }}
        or {{ ends_with(other, "'.' || " ~ host) }}
    )
{%- endmacro %}

{#- host of a web address without port and www, null when there is none -#}
{% macro url_host(url) -%}
    {%- set host = text_part("replace(lower(" ~ url ~ "), '//www.', '//')", '//', 2) -%}
    {%- set host = text_part(text_part(text_part(host, '/', 1), '?', 1), '#', 1) -%}
    nullif({{ text_part(host, ':', 1) }}, '')
{%- endmacro %}

{#- parameters of a web address between ampersands -#}
{% macro url_parameters(url) -%}
    ('&' || translate({{ url }}, '?#', '&&') || '&')
{%- endmacro %}

{#- is a parameter there, with a value -#}
{% macro has_parameter(parameters, name) -%}
    (
        {{ contains("lower(" ~ parameters ~ ")", "'&' || lower(" ~ name ~ ") || '='") }}
        and not {{ contains("lower(" ~ parameters ~ ")", "'&' || lower(" ~ name ~ ") || '=&'") }}
    )
{%- endmacro %}

{#- the value of a parameter, null where there is none -#}
{% macro parameter_value(parameters, name) -%}
    nullif({{ text_part(text_part(parameters, '&' ~ name ~ '=', 2), '&', 1) }}, '')
{%- endmacro %}
