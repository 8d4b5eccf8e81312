-- What belongs to a project goes with it: of those that were deleted before it stayed.

update environments set state = 2
where project_id in (select id from projects where state = 2);

update settings set state = 2
where project_id in (select id from projects where state = 2);

delete from environment_variables
where project_id in (select id from projects where state = 2);
