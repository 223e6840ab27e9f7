"""YAML whose nodes know where they stand in the user's file; for rule files and the configuration."""
