{#- How texts of web addresses and tags are read: here alone, so that all who read one read it alike. -#}

{#- a text of a tag with its letters: percent codes decoded, tabs, line breaks and hard blanks as
    blanks, none around; null when nothing is left -#}
{% macro decoded_text(value) -%}
    {%- set odd = ["'%'", 'chr(9)', 'chr(10)', 'chr(13)', "'\u00a0'"] -%}
    {%- set is_odd = [] -%}
    {%- for sign in odd -%}
        {%- do is_odd.append(contains(value, sign)) -%}
    {%- endfor -%}
    {#- most texts have none of them, and what is done to each event costs more than all else -#}
    nullif(trim(
        case
            when {{ is_odd | join(' or ') }}
                then translate({{ percent_decoded(value) }}, {{ odd[1:] | join(' || ') }}, '    ')
            else {{ value }}
        end
    ), '')
{%- endmacro %}

{#- a text without percent codes, also where it was coded twice; a plus stays one. What is no UTF-8
    stays as it is -#}
{% macro percent_decoded(text) -%}
    {{ return(adapter.dispatch('percent_decoded', 'marketing')(text)) }}
{%- endmacro %}

{#- where nothing that decodes could be tried: the signs that tags are written with, no letters. Each
    is a call around the others, and parsers read about thirty -#}
{% macro default__percent_decoded(text) -%}
    {%- set signs = {
        '25': '%', '20': ' ', '09': ' ', '0A': ' ', '0D': ' ', '26': '&', '28': '(', '29': ')', '2B': '+',
        '2D': '-', '2E': '.', '2F': '/', '3A': ':', '5F': '_', '7C': '|'
    } -%}
    {%- set decoded = namespace(sql=text) -%}
    {%- for code, sign in signs.items() -%}
        {%- for spelling in ([code] if code == code | lower else [code, code | lower]) -%}
            {%- set decoded.sql = "replace(" ~ decoded.sql ~ ", '%" ~ spelling ~ "', '" ~ sign ~ "')" -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ decoded.sql }}
{%- endmacro %}

{% macro duckdb__percent_decoded(text) -%}
    coalesce(try(url_decode(replace({{ text }}, '%25', '%'))), {{ text }})
{%- endmacro %}

{% macro trino__percent_decoded(text) -%}
    {{ java_decoded(text) }}
{%- endmacro %}

{% macro spark__percent_decoded(text) -%}
    {{ java_decoded(text) }}
{%- endmacro %}

{#- Java's function takes a plus for a blank, stops at a lone percent sign and puts U+FFFD for what is no
    UTF-8 -#}
{% macro java_decoded(text) -%}
    {%- set whole = "regexp_replace(replace(" ~ text ~ ", '%25', '%'), '%(?![0-9a-fA-F]{2})', '%25')" -%}
    {%- set decoded = "url_decode(replace(" ~ whole ~ ", '+', '%2B'))" -%}
    case when {{ contains(decoded, "'\ufffd'") }} then {{ text }} else {{ decoded }} end
{%- endmacro %}

{#- it has no function: codes that make whole letters of UTF-8 become bytes, all else stays -#}
{% macro postgres__percent_decoded(text) -%}
    {%- set more = '%[89ab][0-9a-f]' -%}
    {%- set letters = [
        '%0[1-9a-f]', '%[1-7][0-9a-f]', '%c[2-9a-f]' ~ more, '%d[0-9a-f]' ~ more,
        '%e0%[ab][0-9a-f]' ~ more, '%e[1-9a-cef]' ~ more ~ more, '%ed%[89][0-9a-f]' ~ more,
        '%f0%[9ab][0-9a-f]' ~ more ~ more, '%f[1-3]' ~ more ~ more ~ more,
        '%f4%8[0-9a-f]' ~ more ~ more
    ] -%}
    (
        select string_agg(
            coalesce(
                convert_from(decode(replace(pieces.piece[1], '%', ''), 'hex'), 'UTF8'),
                pieces.piece[2]
            ),
            '' order by pieces.place
        )
        from regexp_matches(
            replace({{ text }}, '%25', '%'), '((?:{{ letters | join("|") }})+)|(%|[^%]+)', 'gi'
        ) with ordinality as pieces (piece, place)
    )
{%- endmacro %}

{#- of PostgreSQL's ways it lacks this one -#}
{% macro redshift__percent_decoded(text) -%}
    {{ marketing.default__percent_decoded(text) }}
{%- endmacro %}

{#- a web address without what follows its path -#}
{% macro url_path(url) -%}
    {{ text_part(text_part(url, '?', 1), '#', 1) }}
{%- endmacro %}

{#- what stands between scheme and path of a web address, in lower case. Without a scheme it has to look
    like a host: with a dot, with nothing but a number behind a colon, and no mail address -#}
{% macro url_authority(url) -%}
    {%- set address = 'lower(' ~ url ~ ')' -%}
    {%- set path = url_path(address) -%}
    {%- set first = text_part(path, '/', 1) -%}
    {{ url_path(text_part(
        "case
            when " ~ address ~ " like 'https://%' or " ~ address ~ " like 'http://%'
                then " ~ text_part(address, '//', 2) ~ "
            when " ~ path ~ " like '//%' or " ~ first ~ " like '%:'
                then " ~ text_part(path, '//', 2) ~ "
            when " ~ first ~ " like '%.%' and " ~ first ~ " not like '%@%'
                and (
                    " ~ first ~ " not like '%:%'
                    or translate(" ~ text_part(first, ':', 2) ~ ", '0123456789', '') = ''
                )
                then " ~ first ~ "
        end", '/', 1
    )) }}
{%- endmacro %}

{#- the host of an authority: without user, port, www and the dot that may end it; null when there is
    none. A name in letters beyond ASCII is another one than its xn-- form, which browsers send -#}
{% macro authority_host(authority) -%}
    {%- set no_user = "case when " ~ authority ~ " like '%@%'
        then reverse(" ~ text_part('reverse(' ~ authority ~ ')', '@', 1) ~ ")
        else " ~ authority ~ " end" -%}
    {%- set named = "replace('//' || " ~ text_part(no_user, ':', 1) ~ " || '/', './', '/')" -%}
    case
        when {{ authority }} like '%[%'
            then '[' || {{ text_part(text_part(authority, '[', 2), ']', 1) }} || ']'
        {#- most hosts are nothing else -#}
        when {{ authority }} like '%@%' or {{ authority }} like '%:%' or {{ authority }} like '%.'
            then nullif({{ text_part("replace(" ~ named ~ ", '//www.', '//')", '/', 3) }}, '')
        when {{ authority }} like 'www.%'
            then substring({{ authority }}, 5, {{ dbt.length(authority) }})
        else nullif({{ authority }}, '')
    end
{%- endmacro %}

{#- the first folder of a web address, '' at its root -#}
{% macro url_folder(url) -%}
    {{ text_part(url_path(url), '/', 4) }}
{%- endmacro %}

{#- parameters of a web address, each between ampersands of its own. Links are joined badly: a second
    question mark, `;` (of `&amp;`) and a fragment part them too -#}
{% macro url_parameters(url) -%}
    ('&' || replace(translate({{ url }}, '?#;', '&&&'), '&', '&&') || '&')
{%- endmacro %}

{#- the value of a parameter as it stands, null where there is none: of several the first that is not
    empty. Upper and lower case of its name are one -#}
{% macro parameter_value(parameters, name) -%}
    {%- set key = "'&' || lower(" ~ name ~ ") || '='" -%}
    {#- an empty one no longer has that name; the places of all others stay -#}
    {%- set filled = "replace(lower(" ~ parameters ~ "), " ~ key ~ " || '&', '&' || lower(" ~ name
        ~ ") || ' &')" -%}
    {%- set place = dbt.position(key, filled) -%}
    case
        when {{ place }} > 0
            then {{ text_part(
                'substring(' ~ parameters ~ ', ' ~ place ~ ' + ' ~ dbt.length(key)
                ~ ', ' ~ dbt.length(parameters) ~ ')', '&', 1
            ) }}
    end
{%- endmacro %}
