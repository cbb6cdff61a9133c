"""Who may log in, how, and with which scopes: tokens, keys, accounts, clients (R21)."""
