"""Writes to alerts: `lifecycle` opens, moves and closes; `telling` fills the outbox; `delivery` empties it."""
