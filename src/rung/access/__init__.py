"""Who may do what: users, teams, roles, and the audit log of everything they did."""
