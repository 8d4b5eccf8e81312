-- decisions as they are loaded now against those the models stand on
select
    'shop' as source,
    count(distinct customer_key || purpose || cast(changed_at as varchar)) as loaded,
    (
        select count(*) from int_consent__decisions
        where decision_source = 'shop'
    ) as built,
    max(changed_at) as loaded_to,
    (
        select max(changed_at) from int_consent__decisions
        where decision_source = 'shop'
    ) as built_to
from stg_shop__consents
where customer_key is not null and changed_at is not null
union all
select
    'given' as source,
    count(distinct person_key || purpose || cast(changed_at as varchar)) as loaded,
    (
        select count(*) from int_consent__decisions
        where decision_source = 'given'
    ) as built,
    max(changed_at) as loaded_to,
    (
        select max(changed_at) from int_consent__decisions
        where decision_source = 'given'
    ) as built_to
from stg_ingest__consents
where person_key is not null and changed_at is not null
