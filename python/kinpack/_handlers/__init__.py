"""Handlers of user records: the engine's decisions, carried out."""
