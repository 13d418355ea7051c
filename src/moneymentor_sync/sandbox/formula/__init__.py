"""Formulas: their syntax, what they come to, and how they follow rows and columns that move.

A small, honest part of Google's language: what is not known gives `#NAME?`, never a made-up value.
"""
