"""Pure clinical rules: no Django, no clock, no network. Values and `now` in, frozen dataclasses out."""
