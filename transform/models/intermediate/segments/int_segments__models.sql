with

fits as (

    select * from {{ ref('int_segments__fits') }}
    where status in ('published', 'unpublished')

),

definitions as (

    select * from {{ ref('int_segments__cut_offs') }}
    where cut_off_role = 'current'

),

ranked as (

    -- a training that failed leaves the one before it in force, while the definition is the same
    select
        fits.*,
        definitions.member_share,
        definitions.cut_off_date as scored_date,
        dense_rank() over (
            partition by fits.segment_name
            order by fits.as_of_date desc, fits.trained_at desc, fits.model_id desc
        ) as recency_rank
    from fits
    inner join definitions
        on fits.segment_name = definitions.segment_name
        and fits.definition = definitions.definition
        and fits.as_of_date <= definitions.as_of_date

),

models as (

    select
        segment_name,
        outcome,
        model_id,
        trained_at,
        goal,
        status = 'published' as is_published,
        member_share,
        scored_date,
        {% for name in segment_features() %}
            {{ name }}_weight,
        {% endfor %}
        intercept
    from ranked
    where recency_rank = 1

)

select * from models
