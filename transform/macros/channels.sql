{#- a decoded text of a tag as it is compared: lower case, null when it says nothing -#}
{% macro plain_text(text) -%}
    {%- set blanks = [
        '', '-', '(not set)', 'not set', '(none)', 'none', '(direct)', 'direct', '(organic)',
        '(referral)', '(ai-assistant)', 'null', 'undefined', 'n/a'
    ] -%}
    {%- set plain = "trim(replace(lower(" ~ text ~ "), '+', ' '))" -%}
    case when {{ plain }} not in {{ text_list(blanks) }} then {{ plain }} end
{%- endmacro %}

{#- a decoded text of a tag with its letters as they are, null when it says nothing -#}
{% macro stated_text(text) -%}
    case when {{ plain_text(text) }} is not null then {{ text }} end
{%- endmacro %}

{#- words with one blank for whatever separates them, so that paid_social equals Paid-Social -#}
{% macro plain_words(value) -%}
    trim(replace(replace(replace(
        translate(lower({{ value }}), '_-/|.:,;+()[]&{{ "\u00a0" }}', '               '),
        '    ', ' '
    ), '   ', ' '), '  ', ' '))
{%- endmacro %}

{#- a source with one spelling of its separators; hosts stay as they are -#}
{% macro plain_name(value) -%}
    translate(lower({{ value }}), '_ ', '--')
{%- endmacro %}

{#- a pattern of a seed table for `like`: * stands for any text, ? for one character, and so does %,
    which is no sign of ours. Separators are blanks as they are in the texts -#}
{% macro like_words(pattern) -%}
    translate({{ plain_words(pattern) }}, '*?%', '%__')
{%- endmacro %}

{% macro like_name(pattern) -%}
    translate(lower({{ pattern }}), '_ *?%', '--%__')
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
