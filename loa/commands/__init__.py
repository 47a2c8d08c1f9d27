"""One module per command of ``loa``; each is imported only when it is asked for."""
