"""How near each stage comes to what bounds it: both sides of every ratio measured in one run."""
