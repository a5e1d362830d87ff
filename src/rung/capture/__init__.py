"""What comes in: files today; the collector, forms and mail later."""
