import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** The machine of the measurement, as pairs of a name and a value. */
export function describeMachine(nodeVersions: readonly string[], az: string | undefined): [string, string][] {
  const [first] = cpus();
  return [
    ['Processor', `${cpus().length} × ${first?.model.replace(/\s+/gu, ' ').trim() ?? 'unknown'}`],
    ['Memory', `${Math.round(totalmem() / 2 ** 30)} GiB`],
    ['System', `${distribution()}, kernel ${release()}`],
    ['Node', nodeVersions.join(', ')],
    ...(az === undefined ? [] : ([['Azure CLI', azureCliVersion(az)]] as [string, string][])),
    [
      'Other work',
      `load average ${(loadavg()[0] ?? 0).toFixed(1)} at the end of the set-up; the benchmark itself adds about 1`,
    ],
  ];
}

function distribution(): string {
  const file = '/etc/os-release';
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return /^PRETTY_NAME="?([^"\n]+)/mu.exec(text)?.[1] ?? process.platform;
}

function azureCliVersion(az: string): string {
  const { stdout } = spawnSync(az, ['version', '--output', 'json'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], AZURE_CORE_COLLECT_TELEMETRY: 'false' },
  });
  return /"azure-cli": "([^"]+)"/u.exec(stdout ?? '')?.[1] ?? 'unknown';
}
