"""Measures of the whole station; ``devices.benches`` has the fleet it is measured with."""
