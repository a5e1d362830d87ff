"""The playbook: the agreement between marketing and sales, as data."""
