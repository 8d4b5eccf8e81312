-- touches that count longer than who refused a purpose allows
select
    count(*) as touches,
    coalesce(
        sum(
            case
                when credits.seconds_to_conversion > touches.consent_window_days * 86400
                    then 1
                else 0
            end
        ),
        0
    ) as too_old,
    max(credits.seconds_to_conversion) / 86400.0 as oldest_days
from int_attribution__credits as credits
inner join fct_touchpoints as touches on credits.touchpoint_id = touches.touchpoint_id
where touches.consent_window_days is not null
