variable "project_name" {
  type        = string
  nullable    = false
  description = "Name of the dbt Cloud project that the teams share."

  validation {
    condition     = trimspace(var.project_name) != ""
    error_message = "Give the project a name."
  }
}

variable "project_subdirectory" {
  type        = string
  default     = null
  description = "Folder of the dbt project in its repository; null is the top."
}

variable "dbt_version" {
  type        = string
  default     = "latest"
  nullable    = false
  description = "Version of dbt in all environments."
}

variable "production_branch" {
  type        = string
  default     = null
  description = "Branch that production runs; null is the default branch of the repository."
}

variable "connection_id" {
  type        = number
  default     = null
  description = "Id of a connection that exists; null creates one from `postgres`, or none at all."
}

variable "postgres" {
  default     = null
  description = "Warehouse to connect to when connection_id is null; no password stands here."

  type = object({
    hostname = string
    dbname   = string
    port     = optional(number, 5432)
  })

  validation {
    condition     = var.postgres == null || var.connection_id == null
    error_message = "Give connection_id or postgres, not both."
  }
}

variable "credentials" {
  nullable    = false
  default     = {}
  description = "Who staging and production are in the warehouse: an id from outside, or a user."

  type = map(object({
    credential_id    = optional(number)
    username         = optional(string)
    schema           = optional(string, "analytics")
    threads          = optional(number, 4)
    password_version = optional(number, 1)
  }))

  validation {
    condition     = length(setsubtract(keys(var.credentials), ["staging", "production"])) == 0
    error_message = "Credentials are for staging and production."
  }

  validation {
    condition = alltrue([
      for one in values(var.credentials) : (one.credential_id == null) != (one.username == null)
    ])
    error_message = "Every entry has a credential_id or a username, not both."
  }
}

variable "passwords" {
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true
  description = "Passwords of the users in `credentials`, by environment: TF_VAR_passwords, never a file. A new password_version sends them again."
}

variable "teams" {
  nullable    = false
  description = "Teams that deploy jobs, by the name their jobs start with."

  type = map(object({
    sso_groups      = optional(set(string), [])
    permission_set  = optional(string, "developer")
    writes_to       = optional(set(string), ["development", "staging"])
    email           = optional(string)
    slack           = optional(object({ channel_id = string, channel_name = string }))
    failures_to     = optional(string, "production")
    may_view_others = optional(bool, true)
  }))

  validation {
    condition     = alltrue([for name in keys(var.teams) : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", name))])
    error_message = "Names of teams have lower case, digits and dashes, at most 40 characters."
  }
}
