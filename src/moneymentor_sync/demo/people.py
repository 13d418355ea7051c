"""Names, courses and phrases for the sample: plausible, and with the characters that break careless tools.

All invented. Constants only.
"""

from __future__ import annotations

FIRST_NAMES: tuple[str, ...] = (
    "Amara", "Beatriz", "Chiara", "Dimitris", "Elif", "Fatima", "Giulia", "Hiroshi", "Ingrid", "João", "Kwame",
    "Lucía", "Mei", "Ngozi", "Oluwaseun", "Priya", "Quentin", "Rosa", "Søren", "Thị Hoa", "Ümit", "Valentina",
    "Wanjiru", "Xiomara", "Yusuf", "Zoë", "Anna-Lena", "Björn", "Dara", "Émile", "Françoise", "Grzegorz", "Jiří",
    "Łukasz", "Małgorzata", "Niamh", "Ólafur", "Renée", "Siobhán", "Tomáš", "美咲", "Наталья", "ליאור", "أمينة",
)  # fmt: skip

LAST_NAMES: tuple[str, ...] = (
    "Abdi", "Bianchi", "Chen", "D'Angelo", "Eriksen", "Fernández", "García Márquez", "Haddad", "Ibrahim",
    "Jørgensen", "Kowalska", "Lindqvist", "Müller", "Nguyễn", "O'Brien", "Papadopoulou", "Quispe", "Rossi",
    "St. John", "Tanaka", "Ünal", "van der Berg", "Wójcik", "Xu", "Yavuz", "Žukauskas", "Achterberg-Sørensen",
    "Mac Giolla", "N'Diaye", "de la Cruz", "佐藤", "Иванова", "כהן", "السيد",
)  # fmt: skip

ODD_NAMES: tuple[str, ...] = (
    "=1+1", "007", "+49 151 0000", "'quoted", "TRUE", "1/2", "🦊 Fox", "null", "@home", "-5", "3e8", "Tab\there",
    "Two\nlines", " spaced ", "100%", '="x"&A1', "👩‍👩‍👧",
)  # fmt: skip
"""Names that a spreadsheet would take for a formula, a number, a date, or nothing, if one let it."""

COURSES: tuple[tuple[str, str, str, str], ...] = (
    ("Money, Goals and Mindset", "Foundations", "Start", "money-goals-mindset"),
    ("Budgeting and Saving", "Foundations", "Start", "budgeting-saving"),
    ("College Planning and Saving", "Foundations", "Student", "college-planning-saving"),
    ("Earning and Income Basics", "Foundations", "Start", "earning-income-basics"),
    ("Investing Basics", "Growth", "Investor", "investing"),
    ("Debt Management", "Growth", "Recovery", "debt"),
    ("Emergency Fund", "Foundations", "Recovery", "emergency-fund"),
)
"""Title, module, track and topic of each course."""

LOOSE_TOPICS: tuple[str | None, ...] = (
    "budgeting-saving",
    "money-goals-mindset",
    "How to save on groceries",
    "Stock market",
    "Credit cards and INTEREST",
    "insurance",
    None,
)
"""Topics of responses that belong to no course: the name then follows from the words."""

QUESTIONS: tuple[str, ...] = (
    "How do I start a budget?",
    "What is compound interest?",
    "Is a credit card a loan?",
    "How big should an emergency fund be?",
)

ANSWERS: tuple[str, ...] = (
    "Write down what comes in and what goes out for one month.",
    "Interest on interest: it grows the longer you leave it.",
    "Yes, one without a date to pay it back.",
    "Three to six months of what you need to live.",
)
