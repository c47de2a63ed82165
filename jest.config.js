// Native ES modules: every Nest 12 package is one, and Jest cannot require() those before Node 24.9.
// Hence the flag in the script `test`, and `import { jest } from '@jest/globals'` where a spec wants the `jest` object.

/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/{libs,apps,bench,examples,test}/**/*.spec.ts'],
  // What starts and ends databases and servers all the time, or takes a minute by itself, has a command of its own,
  // npm run test:long, and so has an installation from the registry, as the image's: npm run test:image.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/long/', '<rootDir>/test/deployment/image.spec.ts'],
  // dist/ holds a second copy of everything, data directories hold none of ours.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.trunkline/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '@swc/jest' }, // with the options of .swcrc, as the build has
  moduleNameMapper: {
    '^#(.+)$': '<rootDir>/libs/$1/src/index.ts',
    // The second path is for packages, whose relative imports come through here too.
    '^(\\.{1,2}/.+)\\.js$': ['$1.ts', '$1.js'],
  },
  // Compiled, because Jest loads these two without the mapper above: imports mean in them what they mean to Node.
  globalSetup: '<rootDir>/dist/test/support/global-setup.js',
  globalTeardown: '<rootDir>/dist/test/support/global-teardown.js',
  // Most specs wait for PostgreSQL; each worker may start servers of its own, so more of them only queue for the CPU.
  maxWorkers: 2,
  testTimeout: 60_000,
};
