-- histories that fits are made of, per day they are cut off at
select
    histories.cut_off,
    histories.as_of_date,
    count(*) as customers,
    count(case when histories.frequency > 0 then 1 end) as repeat_customers,
    max(histories.age_days) as longest_days,
    max(as_of.as_of_date) as today
from int_value__histories as histories
cross join int_calendar__as_of as as_of
group by histories.cut_off, histories.as_of_date
order by histories.cut_off
