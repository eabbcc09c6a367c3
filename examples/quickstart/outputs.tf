output "webhook_endpoint" {
  description = "Where Bitbucket sends this integration's webhooks."
  value       = mooring_bitbucket_datacenter_integration.bitbucket.webhook_url
}
