"""The outputs that come with falcocore, each in a module of its own."""
