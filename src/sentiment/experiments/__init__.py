"""Many runs: the demonstration, all models, a range test, sweeps, ablations."""
