"""Other stations' figures, from the bundles of evidence they handed in."""
