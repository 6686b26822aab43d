"""The bugs, by the room that they are in."""
