// Which way imports may go. A lib sees the rows above its own, never its own row: peers meet in the rows below them.
const ROWS = [
  ['protocol'],
  ['config', 'observability'],
  ['embedded-postgres'],
  ['database'],
  ['auth', 'connection-manager', 'limits', 'message-persistence'],
  ['delivery', 'cleanup'],
  ['http'],
  ['gateway', 'admin', 'health'],
  ['trunkline'],
];

const SPEC = '[.]spec[.]ts$';
const libs = (names) => `^libs/(${names.join('|')})/`;

const rowRules = ROWS.flatMap((row, depth) => row.map((lib) => onlyTheseLibs(lib, ROWS.slice(0, depth).flat())));

function onlyTheseLibs(lib, visible) {
  return {
    name: `${lib}-imports-only-libs-above-it`,
    severity: 'error',
    from: { path: libs([lib]) },
    to: { path: '^libs/', pathNot: libs([lib, ...visible]) },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...rowRules,
    onlyTheseLibs('client', ['protocol']),
    {
      name: 'every-lib-has-a-row',
      comment: 'A new lib is added to ROWS, where its neighbours can see what it may import.',
      severity: 'error',
      from: { path: '^libs/', pathNot: libs([...ROWS.flat(), 'client']) },
      to: {},
    },
    {
      name: 'libs-do-not-know-their-users',
      severity: 'error',
      from: { path: '^libs/', pathNot: SPEC },
      to: { path: '^(apps|test|bench|tools|examples)/' },
    },
    {
      name: 'only-the-composition-knows-the-migrations',
      severity: 'error',
      from: { path: '^libs/', pathNot: ['^libs/trunkline/', SPEC] },
      to: { path: '^migrations/' },
    },
    {
      name: 'specs-of-libs-use-only-test-support',
      severity: 'error',
      from: { path: `^libs/.*${SPEC}` },
      to: { path: '^(apps|test|bench|tools)/', pathNot: '^test/support/' },
    },
    {
      name: 'a-lib-is-imported-by-its-name',
      comment: "From outside, a lib is '#name', which is its src/index.ts; what that does not export is private.",
      severity: 'error',
      // The micro benchmarks measure private parts.
      from: { path: '^(?:libs/([^/]+)|apps|bench|migrations|tools)/', pathNot: '^bench/micro/' },
      to: { path: '^libs/', pathNot: '^libs/$1/', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'a-lib-does-not-import-itself-by-name',
      comment: 'That is a cycle through its own index.ts.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/', pathNot: SPEC },
      to: { path: '^libs/$1/', dependencyTypes: ['aliased-subpath-import'] },
    },
    {
      name: 'protocol-and-client-run-anywhere',
      comment: 'Browsers and workers load them, too: nothing built into Node.',
      severity: 'error',
      from: { path: libs(['protocol', 'client']), pathNot: SPEC },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'protocol-and-client-know-no-framework',
      severity: 'error',
      from: { path: libs(['protocol', 'client']), pathNot: SPEC },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'metrics-and-traces-stand-behind-observability',
      comment: 'Libs count and trace through #observability, whoever reads it.',
      severity: 'error',
      from: { path: '^(libs|apps|migrations)/', pathNot: ['^libs/observability/', SPEC] },
      to: { path: 'node_modules/(prom-client|@opentelemetry)/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-development-package-at-run-time',
      comment: 'What runs after `npm ci --omit=dev` imports only what that installs.',
      severity: 'error',
      from: { path: '^(libs|apps|migrations)/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true, // a type crosses a border just as a value does
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      conditionNames: ['types', 'import', 'node', 'default'], // so '#name' is the source, not dist/
      exportsFields: ['exports'],
    },
  },
};
