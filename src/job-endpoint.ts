import { clouds } from './azure/clouds.ts';
import type { EndpointSettings, FromEndpoint, ToEndpoint } from './endpoint/job-process.ts';
import { type Endpoint, startEndpoint } from './endpoint/server.ts';
import { watch } from './endpoint/watchdog.ts';
import { actingClientId } from './exchange/request.ts';
import type { ExchangeObserver } from './exchange/transport.ts';
import { systemWords } from './handover/errors.ts';
import { exposeMachineVariables, prepareProcess } from './inputs/environment.ts';
import type { MessageContext } from './messages/explanation.ts';

/**
 * The background process of `export: managed-identity`: an identity endpoint that runs longer than its step. It has no output
 * and no environment of the job, and asks nobody for anything until a client wants a token.
 *
 * @param channel this process, with the step at the other end
 */
export function serveJob(channel: NodeJS.Process): void {
  let kept = false;
  let endpoint: Endpoint | undefined;
  const say = (message: FromEndpoint, said: () => void = () => undefined): void =>
    void channel.send?.(message, undefined, {}, said);
  const begin = async (settings: EndpointSettings): Promise<void> => {
    try {
      endpoint = await start(settings);
      const { url, secret, stop, stopped } = endpoint;
      const rest = watch(settings.guard, stop);
      // Requests to Entra or a client may still be under way.
      void stopped.then(() => {
        rest();
        process.exit(0);
      });
      say({ kind: 'listening', url, secret });
    } catch (error) {
      say({ kind: 'failed', words: systemWords(error) }, () => channel.disconnect?.());
    }
  };
  const leave = (): void => {
    if (!kept) process.exit(0);
  };
  channel.on('disconnect', leave);
  channel.on('message', (message: ToEndpoint) => {
    if (message.kind === 'start') void begin(message.settings);
    else if (endpoint !== undefined) {
      kept = true;
      say({ kind: 'kept' });
    }
  });
  // The step may have ended before this process could hear of it.
  if (!channel.connected) leave();
}

async function start({ request, exchange, machine, labels }: EndpointSettings): Promise<Endpoint> {
  const facts = { ...prepareProcess(process.env), machine };
  if (exchange.origin.kind === 'managed-identity') {
    exposeMachineVariables(process.env, exchange.origin.machine.variables);
  }
  const secrets = new Set<string>(
    [machine.variables.IDENTITY_HEADER, exchange.proxy?.password].filter((value) => value !== undefined),
  );
  const context: MessageContext = {
    inputLabel: (name) => labels[name],
    // The table's own row: a copy would not be equal to it.
    request: { ...request, cloud: clouds[request.cloud.name] },
    facts,
    secrets,
  };
  const observer: ExchangeObserver = {
    secret: (value) => void secrets.add(value),
    retrying: () => undefined,
    tryEnded: () => undefined,
    accepted: () => undefined,
  };
  let source: Promise<ReturnType<typeof import('./exchange/exchange.ts')['createTokenSource']>> | undefined;
  const endpoint = await startEndpoint({
    clientId: actingClientId(request),
    // The libraries are loaded only when a client asks for a token.
    source: () => {
      source ??= import('./exchange/exchange.ts').then(({ createTokenSource }) =>
        createTokenSource(exchange, observer),
      );
      return source;
    },
    timeBudget: exchange.timeBudget,
    machine: machine.variables,
    observer: { handedOut: () => undefined, refused: () => undefined },
    explain: async (refusal) => {
      const { explainToClient } = await import('./messages/endpoint.ts');
      return explainToClient(refusal, context);
    },
  });
  secrets.add(endpoint.secret);
  return endpoint;
}
