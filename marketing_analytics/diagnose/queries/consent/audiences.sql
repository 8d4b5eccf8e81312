-- members of exported audiences who refuse now
select
    exports.audience,
    exports.platform,
    exports.file_name,
    exports.exported_at,
    count(*) as persons,
    count(
        case when customers.has_denied_marketing or customers.has_denied_profiling then 1 end
    ) as refusing
from raw._ingest.audience_exports as exports
inner join raw._ingest.audience_members as members on exports.export_id = members.export_id
left join int_consent__customers as customers on members.customer_key = customers.customer_key
group by exports.audience, exports.platform, exports.file_name, exports.exported_at
order by refusing desc, exports.exported_at desc
