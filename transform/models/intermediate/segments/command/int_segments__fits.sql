with

examples as (

    select * from {{ ref('int_segments__examples') }}

),

nothing as (

    -- the warehouse runs no Python: `marketing measure segments` adds the rows
    select {{ empty_row(segment_fit_types()) }}
    from examples
    where 1 = 0

)

select * from nothing
