"""Tables as files: one module per format, each the only one that knows its library."""
