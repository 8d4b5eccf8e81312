# What a platform team owns, and several teams use: the project, its three environments, the way
# into the warehouse, who may do what, who hears of failures. Teams own their jobs (modules/jobs).

resource "dbtcloud_project" "this" {
  name                     = var.project_name
  dbt_project_subdirectory = var.project_subdirectory
}

# The warehouse. Nothing secret: passwords come from the environment of whoever applies.

resource "dbtcloud_global_connection" "this" {
  count = var.postgres == null ? 0 : 1

  name     = "${var.project_name} warehouse"
  postgres = var.postgres
}

resource "dbtcloud_postgres_credential" "this" {
  for_each = { for name, one in var.credentials : name => one if one.username != null }

  project_id          = dbtcloud_project.this.id
  type                = "postgres"
  username            = each.value.username
  default_schema      = each.value.schema
  num_threads         = each.value.threads
  password_wo         = var.passwords[each.key]
  password_wo_version = each.value.password_version

  lifecycle {
    # the provider reads the password that it must not keep as "", which would differ forever
    ignore_changes = [password]
  }
}

locals {
  connection_id = var.postgres == null ? var.connection_id : dbtcloud_global_connection.this[0].id
  credential_ids = {
    for name, one in var.credentials : name => one.username == null
    ? one.credential_id
    : dbtcloud_postgres_credential.this[name].credential_id
  }

  # Jobs cannot run in an environment of the type development, so that of the branch jobs is a
  # deployment environment without a deployment_type.
  environments = {
    development = { name = "Shared development", deployment_type = null, branch = null }
    staging     = { name = "Staging", deployment_type = "staging", branch = null }
    production  = { name = "Production", deployment_type = "production", branch = var.production_branch }
  }
}

resource "dbtcloud_environment" "this" {
  for_each = local.environments

  project_id        = dbtcloud_project.this.id
  name              = each.value.name
  type              = "deployment"
  deployment_type   = each.value.deployment_type
  dbt_version       = var.dbt_version
  connection_id     = local.connection_id
  credential_id     = lookup(local.credential_ids, each.key, null)
  use_custom_branch = each.value.branch != null
  custom_branch     = each.value.branch
}

resource "dbtcloud_environment_variable" "this" {
  for_each = var.environment_variables

  project_id = dbtcloud_project.this.id
  name       = each.key
  environment_values = {
    for place, value in each.value : try(local.environments[place].name, place) => value
  }

  # the keys are names of environments, which is no reference to them
  depends_on = [dbtcloud_environment.this]
}

# Who may do what. A group that gets another name is another group, without its members.

resource "dbtcloud_group" "team" {
  for_each = var.teams

  name               = each.key
  sso_mapping_groups = each.value.sso_groups

  group_permissions {
    permission_set                  = each.value.permission_set
    project_id                      = dbtcloud_project.this.id
    all_projects                    = false
    writable_environment_categories = each.value.writes_to
  }
}

resource "dbtcloud_group" "platform" {
  name               = var.platform_group
  sso_mapping_groups = var.platform_sso_groups

  group_permissions {
    permission_set = "admin"
    project_id     = dbtcloud_project.this.id
    all_projects   = false
  }
}

# Who hears of failures: every production job with the mark of the team, as of the last apply

data "dbtcloud_jobs" "production" {
  environment_id = dbtcloud_environment.this["production"].environment_id
}

locals {
  production_jobs = {
    for team in keys(var.teams) : team => toset([
      for job in data.dbtcloud_jobs.production.jobs : job.id
      if strcontains(job.description, "[jobs:v1 ${team}/")
    ])
  }
}

resource "dbtcloud_notification" "email" {
  for_each = { for name, team in var.teams : name => team if team.email != null }

  user_id           = var.notification_user_id
  notification_type = 4
  external_email    = each.value.email
  on_failure        = local.production_jobs[each.key]
}

resource "dbtcloud_notification" "slack" {
  for_each = { for name, team in var.teams : name => team if team.slack != null }

  user_id            = var.notification_user_id
  notification_type  = 2
  slack_channel_id   = each.value.slack.channel_id
  slack_channel_name = each.value.slack.channel_name
  on_failure         = local.production_jobs[each.key]
}
