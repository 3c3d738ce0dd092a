"""What any careful program needs: errors, whole files, command lines, signals, progress."""
