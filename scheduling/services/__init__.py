"""Writes about visits."""
