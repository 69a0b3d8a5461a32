import { azurePipelines } from '../hosts/azure-pipelines.ts';
import { runStep } from '../step.ts';

void runStep(azurePipelines);
