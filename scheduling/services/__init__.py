"""Writes to visits. Callers hold the lock on the visit's pump, so that its alerts and its forecast stay in line."""
