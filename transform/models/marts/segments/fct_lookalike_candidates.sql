with

scores as (

    select * from {{ ref('int_segments__scores') }}
    where is_published and goal = 'lookalike'

),

candidates as (

    select
        segment_name as audience_name,
        customer_key,
        score,
        cast(score_rank as bigint) as rank,
        model_id,
        trained_at
    from scores
    where score_rank <= member_share * customers

)

select * from candidates
