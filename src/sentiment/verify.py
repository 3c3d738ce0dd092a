"""What `scripts/verify_data.py` runs: is prepared data whole, does it agree with its source?"""
