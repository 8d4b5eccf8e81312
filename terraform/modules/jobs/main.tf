# A resource cannot refer to itself, so jobs that run after others live in levels: level_0 waits
# for nobody, level_1 runs after level_0, and so on. The deploy tool has the same limit.

locals {
  level_0 = { for key, job in var.jobs : key => job if job.after == null }
  level_1 = { for key, job in var.jobs : key => job if try(contains(keys(local.level_0), job.after.job), false) }
  level_2 = { for key, job in var.jobs : key => job if try(contains(keys(local.level_1), job.after.job), false) }
  level_3 = { for key, job in var.jobs : key => job if try(contains(keys(local.level_2), job.after.job), false) }

  placed = merge(local.level_0, local.level_1, local.level_2, local.level_3)

  # a name over 128 characters keeps its start and gets a hash of all of it
  full_names = { for key in keys(var.jobs) : key => "${var.team_name}-${key}" }
  names = {
    for key, name in local.full_names : key => length(name) <= 128 ? name : join("-", [
      trimsuffix(substr(name, 0, 119), "-"), substr(sha256(name), 0, 8)
    ])
  }
  # the mark at the end says who owns the job
  descriptions = {
    for key, job in var.jobs :
    key => trimspace("${trimspace(job.description)} [jobs:v1 ${var.team_name}/${key}]")
  }

  jobs = merge(
    dbtcloud_job.level_0,
    dbtcloud_job.level_1,
    dbtcloud_job.level_2,
    dbtcloud_job.level_3,
  )
  env_vars = merge([
    for key, job in var.jobs : {
      for name, value in job.env_vars : "${key}/${name}" => { job = key, name = name, value = value }
    }
  ]...)
}

resource "dbtcloud_job" "level_0" {
  for_each = local.level_0

  project_id               = var.project_id
  environment_id           = var.environment_id
  name                     = local.names[each.key]
  description              = local.descriptions[each.key]
  execute_steps            = each.value.execute_steps
  num_threads              = each.value.threads
  target_name              = each.value.target_name
  execution                = { timeout_seconds = each.value.timeout_seconds }
  generate_docs            = each.value.generate_docs
  run_generate_sources     = each.value.run_source_freshness
  deferring_environment_id = each.value.deferring_environment_id
  dbt_version              = each.value.dbt_version
  schedule_type            = each.value.schedule_cron == null ? null : "custom_cron"
  schedule_cron            = each.value.schedule_cron

  triggers = {
    github_webhook       = each.value.on_pull_request
    git_provider_webhook = each.value.on_pull_request
    schedule             = each.value.schedule_cron != null
    on_merge             = each.value.on_merge
  }
}

resource "dbtcloud_job" "level_1" {
  for_each = local.level_1

  project_id               = var.project_id
  environment_id           = var.environment_id
  name                     = local.names[each.key]
  description              = local.descriptions[each.key]
  execute_steps            = each.value.execute_steps
  num_threads              = each.value.threads
  target_name              = each.value.target_name
  execution                = { timeout_seconds = each.value.timeout_seconds }
  generate_docs            = each.value.generate_docs
  run_generate_sources     = each.value.run_source_freshness
  deferring_environment_id = each.value.deferring_environment_id
  dbt_version              = each.value.dbt_version
  schedule_type            = each.value.schedule_cron == null ? null : "custom_cron"
  schedule_cron            = each.value.schedule_cron

  triggers = {
    github_webhook       = each.value.on_pull_request
    git_provider_webhook = each.value.on_pull_request
    schedule             = each.value.schedule_cron != null
    on_merge             = each.value.on_merge
  }

  job_completion_trigger_condition {
    job_id     = dbtcloud_job.level_0[each.value.after.job].id
    project_id = var.project_id
    statuses   = each.value.after.statuses
  }
}

resource "dbtcloud_job" "level_2" {
  for_each = local.level_2

  project_id               = var.project_id
  environment_id           = var.environment_id
  name                     = local.names[each.key]
  description              = local.descriptions[each.key]
  execute_steps            = each.value.execute_steps
  num_threads              = each.value.threads
  target_name              = each.value.target_name
  execution                = { timeout_seconds = each.value.timeout_seconds }
  generate_docs            = each.value.generate_docs
  run_generate_sources     = each.value.run_source_freshness
  deferring_environment_id = each.value.deferring_environment_id
  dbt_version              = each.value.dbt_version
  schedule_type            = each.value.schedule_cron == null ? null : "custom_cron"
  schedule_cron            = each.value.schedule_cron

  triggers = {
    github_webhook       = each.value.on_pull_request
    git_provider_webhook = each.value.on_pull_request
    schedule             = each.value.schedule_cron != null
    on_merge             = each.value.on_merge
  }

  job_completion_trigger_condition {
    job_id     = dbtcloud_job.level_1[each.value.after.job].id
    project_id = var.project_id
    statuses   = each.value.after.statuses
  }
}

resource "dbtcloud_job" "level_3" {
  for_each = local.level_3

  project_id               = var.project_id
  environment_id           = var.environment_id
  name                     = local.names[each.key]
  description              = local.descriptions[each.key]
  execute_steps            = each.value.execute_steps
  num_threads              = each.value.threads
  target_name              = each.value.target_name
  execution                = { timeout_seconds = each.value.timeout_seconds }
  generate_docs            = each.value.generate_docs
  run_generate_sources     = each.value.run_source_freshness
  deferring_environment_id = each.value.deferring_environment_id
  dbt_version              = each.value.dbt_version
  schedule_type            = each.value.schedule_cron == null ? null : "custom_cron"
  schedule_cron            = each.value.schedule_cron

  triggers = {
    github_webhook       = each.value.on_pull_request
    git_provider_webhook = each.value.on_pull_request
    schedule             = each.value.schedule_cron != null
    on_merge             = each.value.on_merge
  }

  job_completion_trigger_condition {
    job_id     = dbtcloud_job.level_2[each.value.after.job].id
    project_id = var.project_id
    statuses   = each.value.after.statuses
  }
}

resource "dbtcloud_environment_variable_job_override" "this" {
  for_each = local.env_vars

  project_id        = var.project_id
  job_definition_id = local.jobs[each.value.job].id
  name              = each.value.name # must exist as a variable of the project
  raw_value         = each.value.value
}

# a job in no level waits for itself, or its chain is longer than four
resource "terraform_data" "chains" {
  lifecycle {
    precondition {
      condition     = length(local.placed) == length(var.jobs)
      error_message = "These jobs wait for each other or are in a chain of more than four: ${join(", ", setsubtract(keys(var.jobs), keys(local.placed)))}."
    }
  }
}
