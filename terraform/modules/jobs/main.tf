locals {
  # the job that each chained job runs after; then the one 2, 4, 8, ... places before it. Jobs that
  # wait for each other have one at any distance, all others run out.
  after_1    = { for key, job in var.jobs : key => job.after.job if job.after != null }
  after_2    = { for key, job in local.after_1 : key => local.after_1[job] if lookup(local.after_1, job, "") != "" }
  after_4    = { for key, job in local.after_2 : key => local.after_2[job] if lookup(local.after_2, job, "") != "" }
  after_8    = { for key, job in local.after_4 : key => local.after_4[job] if lookup(local.after_4, job, "") != "" }
  after_16   = { for key, job in local.after_8 : key => local.after_8[job] if lookup(local.after_8, job, "") != "" }
  after_32   = { for key, job in local.after_16 : key => local.after_16[job] if lookup(local.after_16, job, "") != "" }
  after_64   = { for key, job in local.after_32 : key => local.after_32[job] if lookup(local.after_32, job, "") != "" }
  after_128  = { for key, job in local.after_64 : key => local.after_64[job] if lookup(local.after_64, job, "") != "" }
  after_256  = { for key, job in local.after_128 : key => local.after_128[job] if lookup(local.after_128, job, "") != "" }
  after_512  = { for key, job in local.after_256 : key => local.after_256[job] if lookup(local.after_256, job, "") != "" }
  after_1024 = { for key, job in local.after_512 : key => local.after_512[job] if lookup(local.after_512, job, "") != "" }
  after_2048 = { for key, job in local.after_1024 : key => local.after_1024[job] if lookup(local.after_1024, job, "") != "" }
  after_4096 = { for key, job in local.after_2048 : key => local.after_2048[job] if lookup(local.after_2048, job, "") != "" }

  # a name over 128 characters keeps its start and gets a hash of all of it
  full_names = { for key in keys(var.jobs) : key => "${var.team_name}-${key}" }
  names = {
    for key, name in local.full_names : key => length(name) <= 128 ? name : join("-", [
      trimsuffix(substr(name, 0, 119), "-"), substr(sha256(name), 0, 8)
    ])
  }
  # the mark at the end says who owns the job; a description that leaves no room for it is cut
  marks = {
    for key, job in var.jobs : key => "[jobs:v1 ${var.team_name}/${key}${job.keep ? " keep" : ""}]"
  }
  texts = {
    for key, job in var.jobs : key => length(trimspace(job.description)) < 255 - length(local.marks[key])
    ? trimspace(job.description)
    : "${trimspace(substr(trimspace(job.description), 0, 253 - length(local.marks[key])))}…"
  }
  descriptions = { for key, text in local.texts : key => trimspace("${text} ${local.marks[key]}") }

  env_vars = merge([
    for key, job in var.jobs : {
      for name, value in job.env_vars : "${key}/${name}" => { job = key, name = name, value = value }
    }
  ]...)
}

# One resource for all jobs, so that a job keeps its id wherever in a chain it stands.
resource "dbtcloud_job" "this" {
  for_each = var.jobs

  project_id = var.project_id
  name       = local.names[each.key]

  # attributes: arguments, by scripts/attributes.py
  execute_steps            = each.value.execute_steps
  description              = local.descriptions[each.key]
  environment_id           = coalesce(each.value.environment_id, var.environment_id)
  schedule_cron            = each.value.schedule_cron
  schedule_type            = each.value.schedule_cron == null ? null : "custom_cron"
  num_threads              = each.value.threads
  target_name              = each.value.target_name
  generate_docs            = each.value.generate_docs
  run_generate_sources     = each.value.run_source_freshness
  triggers_on_draft_pr     = each.value.triggers_on_draft_pr
  job_type                 = each.value.job_type
  deferring_environment_id = each.value.deferring_environment_id
  run_compare_changes      = each.value.run_compare_changes
  run_lint                 = each.value.run_lint
  errors_on_lint_failure   = each.value.errors_on_lint_failure
  force_node_selection     = each.value.force_node_selection
  dbt_version              = each.value.dbt_version
  triggers = {
    schedule             = each.value.schedule_cron != null
    github_webhook       = each.value.on_pull_request
    git_provider_webhook = each.value.on_pull_request
    on_merge             = each.value.on_merge
  }
  execution = {
    timeout_seconds = each.value.timeout_seconds
  }
  # attributes: end
}

# Chains are resources of their own, since one resource cannot refer to itself. An update of a job
# takes its condition away, so the condition is put back after every change of its job.
resource "dbtcloud_job_completion_trigger" "this" {
  for_each = { for key, job in var.jobs : key => job.after if job.after != null }

  project_id     = var.project_id
  job_id         = dbtcloud_job.this[each.key].id
  trigger_job_id = dbtcloud_job.this[each.value.job].id
  statuses       = each.value.statuses

  lifecycle {
    replace_triggered_by = [dbtcloud_job.this[each.key]]
  }
}

resource "dbtcloud_environment_variable_job_override" "this" {
  for_each = local.env_vars

  project_id        = var.project_id
  job_definition_id = dbtcloud_job.this[each.value.job].id
  name              = each.value.name # must exist as a variable of the project
  raw_value         = each.value.value
}

resource "terraform_data" "chains" {
  lifecycle {
    precondition {
      condition     = length(local.after_4096) == 0
      error_message = "These jobs wait for each other, or for jobs that do: ${join(", ", keys(local.after_4096))}."
    }
  }
}
