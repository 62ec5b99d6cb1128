"""Scripts that the runbooks call by their documented names."""
