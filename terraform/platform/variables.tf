variable "passwords" {
  type        = map(string)
  nullable    = false
  sensitive   = true
  ephemeral   = true
  description = "Passwords of the warehouse users, by environment: from TF_VAR_passwords, never from a file."
}

variable "notification_user_id" {
  type        = number
  nullable    = false
  description = "dbt Cloud user in whose name notifications are sent."
}
