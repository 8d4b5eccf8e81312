with

scores as (

    select * from {{ ref('int_segments__scores') }}
    where is_published and goal <> 'lookalike'

),

segments as (

    select
        customer_key,
        case when goal = 'channel' then segment_name || '_' || outcome else segment_name end
            as segment_name,
        score,
        case
            when goal = 'channel' then outcome_rank = 1
            else score_rank <= member_share * customers
        end as is_member,
        model_id,
        trained_at
    from scores

)

select * from segments
