"""The project's promises, one file a room."""
