// Node itself: what starting it and doing nothing costs.
