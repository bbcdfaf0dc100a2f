/** What the state that starts a task and the process inside of it know of each other. */

/** The container of a task definition. */
export const CONTAINER = 'stage';

/** Variables of its environment: the first two are told by the state, the others by the task definition. */
export const VARIABLES = {
  /** Answers to the state are sent with it. */
  token: 'TASK_TOKEN',
  /** What the stage is given, as JSON. */
  payload: 'STAGE_PAYLOAD',
  stage: 'STAGE',
  /** How long the stage may take, in seconds. */
  seconds: 'STAGE_SECONDS',
  /** Of the task, in MiB. */
  memory: 'TASK_MEMORY_MB',
  /** Where the archive with the function of the stage lies in S3, and where Step Functions answers. */
  codeUrl: 'CODE_URL',
  statesUrl: 'STATES_URL',
} as const;

/** As long as a stage may take, in seconds: what is left of Lambda's 15 minutes is why it is here. */
export const FARGATE_SECONDS = 6 * 3600;
/** Between two signs of life. */
export const HEARTBEAT_EVERY_SECONDS = 60;
/** Of silence, and so of fetching the image too, after which a task is given up. */
export const HEARTBEAT_SECONDS = 600;
