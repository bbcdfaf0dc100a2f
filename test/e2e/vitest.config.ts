import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.e2e.ts'],
    globalSetup: [new URL('deployment.ts', import.meta.url).pathname],
    reporters: ['default', new URL('../closing-line.ts', import.meta.url).pathname],
    testTimeout: 900_000,
    hookTimeout: 600_000,
    pool: 'forks',
    // One deployment, whose calls are counted at the end.
    fileParallelism: false,
  },
});
