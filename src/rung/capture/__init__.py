"""What comes in, a folder a door: collector, forms, imports, webhooks, inbound mail."""
