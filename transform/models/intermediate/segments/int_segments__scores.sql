with

models as (

    select * from {{ ref('int_segments__models') }}

),

definitions as (

    select * from {{ ref('int_segments__cut_offs') }}
    where cut_off_role = 'current'

),

features as (

    select * from {{ ref('int_segments__features') }}

),

meant as (

    select
        definitions.segment_name,
        definitions.goal,
        definitions.rfm_segment,
        definitions.top_share,
        features.*,
        count(*) over (partition by definitions.segment_name) as customers,
        rank() over (
            partition by definitions.segment_name order by features.net_usd desc
        ) as revenue_rank
    from definitions
    inner join features
        on definitions.cut_off_date = features.cut_off_date
        and {{ is_meant('definitions', 'features') }}

),

asked as (

    select * from meant
    where not (goal = 'lookalike' and {{ is_seed() }})

),

weighted as (

    select
        models.segment_name,
        models.outcome,
        models.goal,
        models.is_published,
        models.model_id,
        models.trained_at,
        models.member_share,
        asked.customer_key,
        {{ weighted('models', 'asked') }} as logit
    from models
    inner join asked on models.segment_name = asked.segment_name

),

compared as (

    select
        *,
        max(logit) over (partition by segment_name, customer_key) as highest_logit
    from weighted

),

likely as (

    -- of channels one will be the next: their chances add up to 1
    select
        *,
        case
            when goal = 'channel'
                then exp(logit - highest_logit)
            else 1e0 / (1e0 + exp(-logit))
        end as chance
    from compared

),

shared as (

    select
        *,
        case
            when goal = 'channel'
                then chance / sum(chance) over (partition by segment_name, customer_key)
            else chance
        end as score
    from likely

),

scores as (

    select
        segment_name,
        outcome,
        goal,
        is_published,
        model_id,
        trained_at,
        member_share,
        customer_key,
        score,
        row_number() over (
            partition by segment_name, customer_key order by score desc, outcome asc
        ) as outcome_rank,
        row_number() over (
            partition by segment_name, outcome order by score desc, customer_key asc
        ) as score_rank,
        count(*) over (partition by segment_name, outcome) as customers
    from shared

)

select * from scores
