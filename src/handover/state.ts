/**
 * What the step keeps for its clean-up: the path of the private directory. The name is one that both hosts turn into
 * an environment variable of the post step.
 */
export const privateDirectoryState = 'privateDirectory';
