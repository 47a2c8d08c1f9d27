"""Reports: what was to be heard, what is proven, and the figures made of both."""
