"""The command line. A command's module is imported when it is used: start-up time is a feature."""
