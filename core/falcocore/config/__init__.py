"""falco.yaml and `-o`, read into frozen settings."""
