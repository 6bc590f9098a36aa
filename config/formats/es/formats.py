"""Numbers and what is typed are the same in every language: `1.5`, and a day as year-month-day, which no reader and no
browser takes for another. How days are said is in clinics/words.py."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = "\u00a0"
DATE_INPUT_FORMATS = ["%Y-%m-%d"]
TIME_INPUT_FORMATS = ["%H:%M:%S", "%H:%M"]
DATETIME_INPUT_FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
