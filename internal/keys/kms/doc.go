// Package kms opens keys of key management services by URL, through
// gocloud.dev/secrets. It is the only package that imports the services' SDKs
// for that.
//
//	awskms:///KEY?region=…           AWS KMS; KEY is an id, an ARN or alias/NAME
//	gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K
//	azurekeyvault://VAULT.vault.azure.net/keys/KEY[/VERSION]
//	hashivault://KEY[?engine=…]      the transit engine of HashiCorp Vault
//
// Credentials never stand in the URL. They come from where the service's own
// tools look: the AWS environment and profile, Google's application default
// credentials, Azure's default credentials, VAULT_ADDR and VAULT_TOKEN (or
// VAULT_SERVER_URL and VAULT_SERVER_TOKEN, which win).
package kms
