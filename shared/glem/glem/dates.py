"""Days in words, in Danish and English."""

from datetime import date

MONTHS = {
    "da": [
        "januar",
        "februar",
        "marts",
        "april",
        "maj",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "december",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}


def in_words(day: date, language: str) -> str:
    """Write a day in `language`, da or en: 3. marts 2026, 3 March 2026."""
    dot = "." if language == "da" else ""
    return f"{day.day}{dot} {MONTHS[language][day.month - 1]} {day.year}"
