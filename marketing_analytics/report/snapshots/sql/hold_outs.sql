-- planned pauses of campaigns in some regions, with counts where all four are of ten orders and
-- more: what they caused is estimated of those alone
select
    pause_name,
    first_date,
    last_date,
    channel,
    hold_out_status,
    is_over,
    regions_held_out,
    regions_kept,
    case when hold_out_status = 'estimated' then held_out_before end as held_out_before,
    case when hold_out_status = 'estimated' then held_out_during end as held_out_during,
    case when hold_out_status = 'estimated' then kept_before end as kept_before,
    case when hold_out_status = 'estimated' then kept_during end as kept_during,
    spend_share,
    log_change,
    log_reach,
    caused_share,
    caused_share_lower,
    caused_share_upper
from rpt_hold_outs
