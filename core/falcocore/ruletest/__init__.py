"""Unit tests of rules: test files, events written short, cases run, what they cover."""
