"""Budgets: spending limits that hold across processes."""

from trimtab.answers.budgets.budget import Bill, Budget, Price, Standing
from trimtab.answers.budgets.store import BudgetStore

__all__ = ["Bill", "Budget", "BudgetStore", "Price", "Standing"]
