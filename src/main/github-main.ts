import { github } from '../hosts/github.ts';
import { forkPullRequest } from '../hosts/github-forks.ts';
import { runStep } from '../step.ts';

void runStep({ ...github, forkPullRequest });
