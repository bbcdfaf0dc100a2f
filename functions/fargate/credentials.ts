/** The credentials of a task's role, as ECS hands them out inside of the task; fetched anew, because they expire. */

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
const HOST = 'http://169.254.170.2';

type Variables = Readonly<Record<string, string | undefined>>;

/** Those in the environment where there are any, as everywhere else in AWS. */
export async function taskCredentials(variables: Variables): Promise<Credentials> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  if (accessKeyId && secretAccessKey)
    return { accessKeyId, secretAccessKey, sessionToken: variables['AWS_SESSION_TOKEN'] ?? null };
  const path = variables['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const url = path ? `${HOST}${path}` : variables['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!url) throw new Error('there are no credentials: this is no task with a role');
  const response = await fetch(url);
  if (!response.ok) throw new Error(`ECS answers ${response.status} when asked for the credentials of the task`);
  const found = (await response.json()) as Readonly<Record<'AccessKeyId' | 'SecretAccessKey' | 'Token', string>>;
  return { accessKeyId: found.AccessKeyId, secretAccessKey: found.SecretAccessKey, sessionToken: found.Token };
}
