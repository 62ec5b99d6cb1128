"""Operations checklists: daily, weekly and monthly checks of a running service."""
