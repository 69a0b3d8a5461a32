import { serveJob } from '../job-endpoint.ts';

// The step starts it with a channel, and nothing else can.
serveJob(process);
