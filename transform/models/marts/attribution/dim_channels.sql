with

channels as (
    {{ channel_rows() }}
)

select * from channels
