/** MemoryS3 for other processes: the same over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MemoryS3 } from './memory-s3.ts';

export interface S3Server {
  readonly url: string;
  close(): void;
}

export async function s3Server(s3: MemoryS3): Promise<S3Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
      const query = Object.fromEntries(searchParams);
      const headers = request.headers as Record<string, string>;
      const body = Buffer.concat(chunks);
      s3.handle({ method: request.method!, path: pathname, query, headers, ...(body.length ? { body } : {}) }).then(
        (answer) => {
          response.writeHead(answer.statusCode, answer.headers);
          answer.body.pipe(response);
        },
        (error: unknown) => {
          console.error(error);
          response.destroy();
        },
      );
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
