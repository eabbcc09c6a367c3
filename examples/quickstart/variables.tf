variable "bitbucket_url" {
  description = "Address of the Bitbucket Data Center, with its context path."
  type        = string
}

variable "bitbucket_read_token" {
  description = "HTTP access token with which Mooring reads the repositories."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "project_key" {
  description = "Key of the project that holds the repositories `network` and `shop`."
  type        = string
}
