"""What measures the station: a fleet so lean that the station is what is measured, and the ceilings beside it."""
