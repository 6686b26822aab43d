"""Every word that is shown, in each language, and text that can't do harm."""
