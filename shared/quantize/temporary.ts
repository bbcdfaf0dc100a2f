/** A session of a model that is being made. */
import type { Session, SessionOptions } from '../runtime/session.ts';

export interface Temporary extends SessionOptions {
  /** Exists; files in it are removed again. */
  readonly workFolder: string;
  /** Of its file there. */
  readonly name: string;
}

export interface TemporarySession {
  readonly session: Session;
  end(): Promise<void>;
}
