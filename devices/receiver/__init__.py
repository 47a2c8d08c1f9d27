"""The reference receiver: verifies its plan, keeps it, plays it by its own clock, and journals what it does.

It runs on a small box, so it imports nothing of the station but the wire types, the signatures and the link.
"""
