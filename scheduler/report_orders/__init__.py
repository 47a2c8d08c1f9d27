"""Reports that are made and sent on a day set."""
