/**
 * Which part of `src/` may import which: `npm run check:imports`. Read it from the top. A row may import its own files
 * and the rows that it names, and it can name only rows below it, so no two parts can depend on each other.
 * Imports of types count as well.
 */
const parts = [
  {
    name: 'main',
    path: '^src/main/',
    imports: [
      'command',
      'step',
      'session',
      'messages',
      'handover',
      'endpoint',
      'inputs',
      'hosts',
      'azure',
      'exchange',
      'contract',
    ],
    reason: 'An entry point connects a host to the step, the command or the clean-up.',
  },
  {
    name: 'command',
    path: '^src/command/',
    imports: [
      'session',
      'messages',
      'handover',
      'endpoint',
      'inputs',
      'hosts',
      'azure',
      'exchange',
      'contract',
    ],
    reason: 'The command is a second user of the parts below, beside the step.',
  },
  {
    name: 'step',
    path: '^src/(?:step|cleanup|git-credential|job-endpoint)\\.ts$',
    imports: [
      'session',
      'messages',
      'handover',
      'endpoint',
      'inputs',
      'hosts',
      'azure',
      'exchange',
      'contract',
    ],
    reason:
      'The step, its clean-up, git’s credential helper and the job’s endpoint pass values between the parts below and put them in order.',
  },
  {
    name: 'session',
    path: '^src/session\\.ts$',
    imports: ['messages', 'handover', 'endpoint', 'inputs', 'hosts', 'azure', 'exchange', 'contract'],
    reason: 'What the step and the command do alike, from the inputs to the exchange.',
  },
  {
    name: 'messages',
    path: '^src/messages/',
    imports: ['handover', 'endpoint', 'inputs', 'hosts', 'azure', 'exchange', 'contract'],
    reason: 'Messages turn the errors and results of every other part into sentences.',
  },
  {
    name: 'handover',
    path: '^src/handover/',
    imports: ['endpoint', 'inputs', 'hosts', 'azure', 'exchange', 'contract'],
    reason: 'The handover works on validated inputs. Inputs never need the handover.',
  },
  {
    name: 'endpoint',
    path: '^src/endpoint/',
    imports: ['inputs', 'hosts', 'azure', 'exchange', 'contract'],
    reason: 'The endpoint serves tokens of the exchange. The handover starts it.',
  },
  {
    name: 'inputs',
    path: '^src/inputs/',
    imports: ['hosts', 'azure', 'exchange', 'contract'],
    reason: 'Inputs are read from a host into the types of the exchange.',
  },
  {
    name: 'hosts',
    path: '^src/hosts/',
    imports: ['exchange', 'contract'],
    reason: 'A host translates. It decides nothing, and needs only the types of what it translates.',
  },
  {
    name: 'azure',
    path: '^src/azure/',
    imports: [],
    reason: 'Tables of facts about Azure depend on nothing.',
  },
  {
    name: 'exchange',
    path: '^src/exchange/',
    imports: [],
    reason: 'The exchange knows no CI system and none of our names. It could be a library of its own.',
  },
  {
    name: 'contract',
    path: '^src/contract\\.ts$',
    imports: [],
    reason: 'The names and defaults that users rely on depend on nothing.',
  },
];

const pathOf = (name) => {
  const part = parts.find((one) => one.name === name);
  if (part === undefined) throw new Error(`.dependency-cruiser.mjs has no part "${name}"`);
  return part.path;
};

const partRules = parts.map(({ name, path, imports, reason }, row) => {
  for (const imported of imports) {
    if (parts.findIndex((one) => one.name === imported) <= row) {
      throw new Error(`.dependency-cruiser.mjs: "${name}" names "${imported}", which is not below it`);
    }
  }
  const others = imports.length === 0 ? 'nothing of ours' : `only ${imports.join(', ')}`;
  return {
    name: `src-${name}`,
    comment: `${reason} Besides its own files it may import ${others}.`,
    severity: 'error',
    from: { path },
    to: { path: '^src/', pathNot: [path, ...imports.map(pathOf)] },
  };
});

const partPaths = parts.map(({ path }) => path);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...partRules,
    {
      name: 'src-without-a-part',
      comment: 'Every file of src/ belongs to a part. Add a row to .dependency-cruiser.mjs for a new one.',
      severity: 'error',
      from: { path: '^src/', pathNot: partPaths },
      to: {},
    },
    {
      name: 'import-of-src-without-a-part',
      comment: 'Every file of src/ belongs to a part. Add a row to .dependency-cruiser.mjs for a new one.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: partPaths },
    },
    {
      name: 'src-ships-alone',
      comment: 'The product never needs test equipment, and nothing of it may reach a bundle.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(?:emulator|test|bench|demo|scripts)/' },
    },
    {
      name: 'emulator-knows-no-product',
      comment:
        'The emulator plays Azure. If it shared code with the product, both could be wrong in the same way.',
      severity: 'error',
      from: { path: '^emulator/' },
      to: { path: '^(?:src|test|bench|demo|scripts)/' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that import each other can only be understood together. Move what both need.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved-import',
      comment: 'An import that cannot be followed would escape the other rules.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no JavaScript interface for parsing. swc keeps imports of types, but the visitor that reads its
    // result stops with an error at a `using` declaration. Tests and benchmark use it, so they are checked as compiled.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
