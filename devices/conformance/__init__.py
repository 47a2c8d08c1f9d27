"""Plays the station against any receiver and says which clauses of docs/protocol.md hold; see docs/conformance.md."""
