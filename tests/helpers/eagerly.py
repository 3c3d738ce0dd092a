"""Runs a script in which TensorFlow runs operation by operation: `eagerly.py SCRIPT WORD ...`."""

import runpy
import sys

import tensorflow as tf

tf.config.run_functions_eagerly(True)
del sys.argv[0], sys.orig_argv[1]
runpy.run_path(sys.argv[0], run_name="__main__")
