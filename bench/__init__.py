"""Benchmarks, run by `bin/bench NAME` on throw-away data. Importing the package sets Django up for all of them."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
