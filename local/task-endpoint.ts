/** What tasks that are processes answer to: SendTaskSuccess, -Failure and -Heartbeat over HTTP, as Step Functions. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../shared/pipeline/machine/asl.ts';
import { StatesError } from './states-error.ts';
import type { TaskTokens } from './task-tokens.ts';

interface Sent {
  readonly taskToken: string;
  readonly output: string;
  readonly error: string;
  readonly cause: string;
}

const CALLS: Readonly<Record<string, (tokens: TaskTokens, sent: Sent) => void>> = {
  SendTaskSuccess: (tokens, { taskToken, output }) => tokens.succeed(taskToken, JSON.parse(output) as Json),
  SendTaskFailure: (tokens, { taskToken, error, cause }) => tokens.fail(taskToken, error, cause),
  SendTaskHeartbeat: (tokens, { taskToken }) => tokens.heartbeat(taskToken),
};

export interface TaskEndpoint {
  readonly url: string;
  close(): void;
}

/** On this machine only. */
export async function taskEndpoint(tokens: TaskTokens): Promise<TaskEndpoint> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const target = String(request.headers['x-amz-target']);
      try {
        const call = CALLS[target.replace('AWSStepFunctions.', '')];
        if (!call) throw new StatesError('UnknownOperationException', target);
        call(tokens, JSON.parse(Buffer.concat(chunks).toString()) as Sent);
        response.end('{}');
      } catch (error) {
        const { name, message } = error as Error;
        response.writeHead(400).end(JSON.stringify({ __type: name, message }));
      }
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
