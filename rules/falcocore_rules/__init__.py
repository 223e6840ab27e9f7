"""The rule packs that come with falcocore."""
