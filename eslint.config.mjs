import { defineConfig } from 'eslint/config';
import baseConfig from './.config/eslint.config.mjs';

export default defineConfig([
  { ignores: ['**/node_modules/', '**/dist/', '**/coverage', '.cache/', 'bin/', 'e2e/artifacts/', 'playwright/'] },
  ...baseConfig,
  {
    files: ['e2e/**/*.ts', 'playwright.config.ts'],
    languageOptions: { parserOptions: { project: './e2e/tsconfig.json' } },
    rules: {
      // A fixture hands over by calling its use, which is no hook.
      'react-hooks/rules-of-hooks': 'off',
      // A step that nobody waits for is no test.
      '@typescript-eslint/no-floating-promises': 'error',
    },
  },
]);
