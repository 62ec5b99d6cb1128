"""Actions, faults and drill projects of knowledge; they use its service."""
