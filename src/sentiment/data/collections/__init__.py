"""Photo collections as they lie on people's disks: which photos, which labels, which split."""
