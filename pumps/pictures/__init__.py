"""Pictures: each is defined once, and drawn on a page (templates/parts/picture.html) and on paper (paper.py) alike."""
