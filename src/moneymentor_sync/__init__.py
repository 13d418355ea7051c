"""moneymentor-sync: keeps Google Sheets equal to a database."""

__version__ = "0.1.0"
