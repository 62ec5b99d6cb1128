"""Budgets that hold under concurrency: reserve the most a call can cost, then settle what it did cost."""

from trimtab.answers.budgets.budget import Budget, Price, Standing
from trimtab.answers.budgets.store import BudgetStore

__all__ = ["Budget", "BudgetStore", "Price", "Standing"]
