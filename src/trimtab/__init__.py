"""trimtab: an AI knowledge service that runs, repairs and proves itself."""
