"""Who may do what: scopes of tokens, what was done by whom, and secrets sealed at rest."""
