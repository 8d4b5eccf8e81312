-- the newest state of a pipeline whose load was completed; {schema} is a source of ours
select state.state
from {schema}._dlt_pipeline_state as state
inner join {schema}._dlt_loads as load on state._dlt_load_id = load.load_id
where state.pipeline_name = ? and load.status = 0
order by load.load_id desc
limit 1
