/** An HTTP proxy between S3's clients and a server, which fails where it is told to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as ask, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { operationOf } from './s3-operation.ts';

export interface Asked {
  readonly operation: string;
  readonly path: string;
  /** How many requests came before it. */
  readonly index: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Exchange {
  readonly response: ServerResponse;
  /** What the server answers; it has done what it was asked for. */
  readonly forward: () => Promise<Answer>;
}

function refuse({ response }: Exchange, [status, code]: readonly [number, string]): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>${code} on the way</Message></Error>`);
}

const reset = ({ response }: Exchange): void => void response.socket!.resetAndDestroy();

function give({ response }: Exchange, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}

/** Half of the body, as far as there is one; whether there is. */
function giveHalf({ response }: Exchange, { status, headers, body }: Answer): boolean {
  if (!body.byteLength) return false;
  response.writeHead(status, headers);
  response.write(body.subarray(0, body.byteLength / 2));
  return true;
}

const TRICKLES = 8;

export const FAULTS = {
  /** 403. */
  denied: (exchange) => refuse(exchange, [403, 'AccessDenied']),
  /** 503. */
  slowDown: (exchange) => refuse(exchange, [503, 'SlowDown']),
  /** 502 with a page, as a proxy between gives it. */
  badGateway: ({ response }) => {
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('<!doctype html><html><head><title>Bad Gateway</head></html>');
  },
  /** What S3 answers to copies and completions that fail after it began to answer. */
  errorInBody: (exchange) => refuse(exchange, [200, 'InternalError']),
  /** The connection ends before the server heard of it. */
  resetBefore: reset,
  /** The server has done it, and nobody hears of that. */
  resetAfter: async (exchange) => {
    await exchange.forward();
    reset(exchange);
  },
  /** The connection ends within the answer. */
  truncated: async (exchange) => {
    giveHalf(exchange, await exchange.forward());
    // So that the half is not lost with the connection.
    await sleep(5);
    reset(exchange);
  },
  /** The answer stops, and the connection stays. */
  stalled: async (exchange) => {
    giveHalf(exchange, await exchange.forward());
  },
  /** The answer comes drop by drop. */
  slow: async (exchange) => {
    const answer = await exchange.forward();
    const { body } = answer;
    exchange.response.writeHead(answer.status, answer.headers);
    for (let i = 0; i < TRICKLES; i++) {
      exchange.response.write(body.subarray((i * body.length) / TRICKLES, ((i + 1) * body.length) / TRICKLES));
      await sleep(10);
    }
    exchange.response.end();
  },
} as const satisfies Record<string, (exchange: Exchange) => void | Promise<void>>;

export type Fault = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[];

export class FaultyWay {
  readonly #server: Server;
  readonly #target: string;
  readonly asked: Asked[] = [];
  /** Called once for each request. */
  faultFor: (asked: Asked) => Fault | null = () => null;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => {
      // A client that gave up has closed its connection.
      this.#pass(request, response).catch(() => response.destroy());
    });
  }

  /** To the server at `target`, as `http://host:port`. */
  static async to(target: string): Promise<FaultyWay> {
    const way = new FaultyWay(target);
    way.#server.listen(0, '127.0.0.1');
    await once(way.#server, 'listening');
    return way;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request);
    const { pathname: path, searchParams } = new URL(request.url!, this.#target);
    const operation = operationOf({
      method: request.method!,
      path,
      query: Object.fromEntries(searchParams),
      headers: request.headers as Record<string, string>,
    });
    const asked = { operation, path, index: this.asked.length };
    this.asked.push(asked);
    const fault = this.faultFor(asked);
    const exchange: Exchange = { response, forward: () => this.#forward(request, body) };
    if (fault) await FAULTS[fault](exchange);
    else give(exchange, await exchange.forward());
  }

  async #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    const forwarded = ask(new URL(url!, this.#target), { method, headers, agent: false });
    forwarded.end(body);
    const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
    return { status: answer.statusCode!, headers: answer.headers, body: await bytesOf(answer) };
  }
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
