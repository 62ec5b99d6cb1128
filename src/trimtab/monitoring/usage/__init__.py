"""Forecast of the use of resources: the peak that the coming week will have."""
