"""What a person enters about therapy. The services judge it."""
