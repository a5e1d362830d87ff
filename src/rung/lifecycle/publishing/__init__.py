"""A playbook comes into force: a generation of standings beside the old one, then one short switch."""
