"""Mail that Rung sends: every one under a Message-ID of ours, kept, so that what comes back to it is known."""
