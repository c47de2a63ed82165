import comments from '@eslint-community/eslint-plugin-eslint-comments/configs';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import typescript from 'typescript-eslint';

const onlyConfigReadsTheEnvironment = 'Settings come from #config, the only place that reads the environment.';
const noForwardRef = 'Two libs that need each other lack a port: the lower one declares it, the upper implements it.';
const noFocusedTests = 'A focused test silences all others.';

const focusedTests = ['describe', 'it', 'test'].map((object) => ({
  object,
  property: 'only',
  message: noFocusedTests,
}));

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.trunkline/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  comments.recommended,
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }], // `== null` means null or undefined
      // A disabled rule says why, after `--`.
      '@eslint-community/eslint-comments/require-description': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: onlyConfigReadsTheEnvironment },
        ...focusedTests,
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', importNames: ['env'], message: onlyConfigReadsTheEnvironment },
            { name: '@nestjs/common', importNames: ['forwardRef'], message: noForwardRef },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [typescript.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Numbers and booleans print as one expects; objects, null and promises stay forbidden.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `async` also turns a throw into the rejection that an interface returning a promise has promised.
      '@typescript-eslint/require-await': 'off',
      // tsc reports them already (noUnusedLocals, noUnusedParameters).
      '@typescript-eslint/no-unused-vars': 'off',
      complexity: ['error', 12],
      'max-depth': ['error', 3],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // A library speaks through the logger it is given; printing is for programs.
    files: ['libs/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['libs/config/**/*.ts'],
    rules: { 'no-restricted-properties': ['error', ...focusedTests] },
  },
  {
    // These start other programs, hand the environment on to them and take knobs of their own (a database's address,
    // the number of rounds); the settings of a server under test still go through #config. An example is an application
    // of somebody else, which reads its own environment.
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'],
    rules: { 'no-restricted-properties': ['error', ...focusedTests] },
  },
  {
    files: ['test/**/*.ts', '**/*.spec.ts'],
    rules: {
      // A describe block is one function around all its sentences, and a scenario reads best from top to bottom.
      'max-lines-per-function': 'off',
      // Jest's matchers, such as expect.any(String), are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { console: 'readonly', performance: 'readonly', process: 'readonly', URL: 'readonly' },
    },
  },
);
