# Two stacks that follow two Bitbucket repositories through one integration.
# The provider reads MOORING_ENDPOINT, MOORING_API_KEY_ID, MOORING_API_KEY_SECRET,
# BITBUCKET_URL and BITBUCKET_TOKEN from the environment.

terraform {
  required_version = ">= 1.11"
  required_providers {
    mooring = {
      source = "mooring/mooring"
    }
  }
}

provider "mooring" {}

resource "mooring_space" "platform" {
  name             = "Platform"
  description      = "What the platform team runs."
  inherit_entities = true
}

resource "mooring_bitbucket_datacenter_integration" "bitbucket" {
  name        = "Company Bitbucket"
  space_id    = mooring_space.platform.id
  api_host    = var.bitbucket_url
  description = "Read access to the **platform** repositories."
  labels      = ["quickstart"]

  # Write-only, from an ephemeral variable: the token is in neither plan nor state. Raise the version to send another.
  access_token_wo         = var.bitbucket_read_token
  access_token_wo_version = "1"
}

# The stack declares its repository itself.
resource "mooring_stack" "network" {
  name         = "Network"
  space_id     = mooring_space.platform.id
  branch       = "main"
  project_root = "network"

  repository = {
    integration_id = mooring_bitbucket_datacenter_integration.bitbucket.id
    project_key    = var.project_key
    slug           = "network"
  }
}

# The stack leaves its repository to an attachment of its own.
resource "mooring_stack" "shop" {
  name     = "Shop"
  space_id = mooring_space.platform.id
  branch   = "main"
}

resource "mooring_stack_vcs_attachment" "shop" {
  stack_id        = mooring_stack.shop.id
  integration_id  = mooring_bitbucket_datacenter_integration.bitbucket.id
  project_key     = var.project_key
  repository_slug = "shop"
}

# This repository's webhook is Terraform's; the other's is registered by bitbucket-hook.
resource "mooring_bitbucket_webhook" "network" {
  integration_id  = mooring_bitbucket_datacenter_integration.bitbucket.id
  project_key     = var.project_key
  repository_slug = "network"

  depends_on = [mooring_stack.network]
}
