"""The command line. Each command is a few lines that call the rooms."""
