/** The two things a task asks of AWS before it has its code: that code, and who waits for its answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { taskCredentials } from './credentials.ts';
import { signed, type Signing, type UnsignedRequest } from './sign.ts';

/** What AWS answered that a repetition does not change. */
export class Refused extends Error {
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = code;
  }
}

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;

type Variables = Readonly<Record<string, string | undefined>>;

/** Asked again where the network or the service is in trouble; throws Refused for everything else. */
async function ask(request: UnsignedRequest, service: Signing['service'], variables: Variables): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await askOnce(request, service, variables);
    } catch (error) {
      if (error instanceof Refused || attempt === ATTEMPTS) throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** attempt * Math.random());
    }
  }
}

async function askOnce(request: UnsignedRequest, service: Signing['service'], variables: Variables): Promise<Buffer> {
  const { method, url, body } = request;
  const credentials = await taskCredentials(variables);
  const region = variables['AWS_REGION'] ?? 'us-east-1';
  const headers = signed(request, { credentials, region, service, now: new Date() });
  const response = await fetch(url, { method, headers, ...(method === 'GET' ? {} : { body }) });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.ok) return bytes;
  const text = bytes.toString().slice(0, 1000);
  // Step Functions says it in JSON, S3 in XML.
  const code = /"__type":\s*"(?:[^"]*#)?(\w+)"|<Code>(\w+)</.exec(text)?.slice(1).find(Boolean) ?? '';
  if (response.status >= 500 || /Throttling|SlowDown/.test(code)) throw new Error(`${response.status} ${text}`);
  throw new Refused(code || `Http${response.status}`, text);
}

/** An object of S3. */
export const fetchObject = (url: string, variables: Variables): Promise<Buffer> =>
  ask({ method: 'GET', url: new URL(url), headers: {}, body: '' }, 's3', variables);

export type Answer =
  | { readonly call: 'SendTaskSuccess'; readonly output: string }
  | { readonly call: 'SendTaskFailure'; readonly error: string; readonly cause: string }
  | { readonly call: 'SendTaskHeartbeat' };

/** Tell the state that waits for the token. */
export async function answer(
  url: string,
  { call, ...fields }: Answer & { readonly taskToken: string },
  variables: Variables,
): Promise<void> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AWSStepFunctions.${call}` };
  await ask({ method: 'POST', url: new URL(url), headers, body: JSON.stringify(fields) }, 'states', variables);
}
