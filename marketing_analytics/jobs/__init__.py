"""dbt jobs as code: tfvars files are read, planned against dbt Cloud and applied."""
