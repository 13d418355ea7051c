"""A sample MoneyMentor database that keeps changing: what the demo, the tests and the benchmarks read."""
