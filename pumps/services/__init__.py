"""Writes: `ledger` records and voids events, `pumps` makes pumps, `catalogue` keeps models and priors, `fleet` the rest."""
