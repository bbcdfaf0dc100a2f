/** How far something is that takes a while. */

export interface Advance {
  readonly doing: 'calibrating' | 'comparing layers' | 'validating' | 'writing';
  readonly unit: 'samples' | 'bytes';
  /** Of this pass over them. */
  readonly done: number;
  readonly of: number;
}

export type Tell = (advance: Advance) => void;
