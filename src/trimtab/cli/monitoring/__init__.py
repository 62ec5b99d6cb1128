"""Commands for signals, alert rules and logs."""
