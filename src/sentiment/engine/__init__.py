"""Keras on this machine: its backend, devices, processes, and the batches it is fed."""
