"""Loa: a broadcast scheduler for commune loudspeakers. This package is the front door and the floor."""
