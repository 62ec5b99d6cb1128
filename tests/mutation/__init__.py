"""Mutation tests: change one thing in a copy of the code, run the tests that reach it, and print what no test notices."""
