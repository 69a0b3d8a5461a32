// Does nothing, to measure the start of Node itself.
