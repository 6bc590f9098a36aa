"""Writes: `ledger` events, `devices` pumps, `catalogue` models and priors, `settings` clinics, `fleet` the rest."""
