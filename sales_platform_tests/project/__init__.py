"""Tests of the files that make a bare clone build, test and ship. Not of the package's code."""
