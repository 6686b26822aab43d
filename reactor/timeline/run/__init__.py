"""A recorded run as pure data: events put together into turns."""
