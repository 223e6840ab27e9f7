"""Rule files: read, merged, resolved, checked and compiled, with every mistake shown at its place."""
