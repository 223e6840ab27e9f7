"""Reading .scap capture files: from bytes to blocks, records of what was there at the start, and events."""
