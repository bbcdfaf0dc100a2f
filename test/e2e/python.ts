/** The Python that has the emulators, and a port for each. */
import { createServer } from 'node:net';

export const PYTHON = process.env['PYTHON'] ?? 'python3';

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
