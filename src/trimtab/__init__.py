"""trimtab: an AI knowledge service that runs, repairs and proves itself."""

__version__ = "0.1.0"
