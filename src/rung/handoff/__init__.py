"""Hand-offs at work: whose desk, by when, what was answered; tasks, questions, and what sales' answers teach."""
