-- name: jobs_after
-- the jobs that wait for this job to end like this, by the index jobs_by_parent
select j.id
from jobs as j
where j.state = 1 and j.id != :job_id
    and cast(
        json_extract(j.payload, '$.job_completion_trigger_condition.condition.job_id') as bigint
    ) = :job_id
    and cast(j.payload as jsonb) #> '{job_completion_trigger_condition,condition,statuses}'
    @> to_jsonb(cast(:status as bigint))
