"""Where it is heard: areas, receivers, and the protocol between station and receiver."""
