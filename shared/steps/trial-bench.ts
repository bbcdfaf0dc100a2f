/** Measures models of a tuning against FP32: on all samples, and in interleaved runs. */
import type { Processor } from '../choices.ts';
import type { Measurement } from '../quantize/tuning/goal.ts';
import type { Latency } from '../report/report.ts';
import { DEFAULT_TOLERANCE } from '../runtime/compare.ts';
import { runSamples } from '../runtime/compare-runs.ts';
import { type HostProcessor, productsFor } from '../runtime/host-processor.ts';
import { measureLatency } from '../runtime/latency.ts';
import type { Batch, Samples } from '../runtime/samples.ts';
import { openSession, type Session, withSession } from '../runtime/session.ts';
import { type BaseFeeds, baseFeeds } from '../runtime/validation-request.ts';
import { until } from './quantize-file.ts';

interface BenchRequest {
  /** Path of the FP32 model. */
  readonly model: string;
  readonly samples: Samples;
  readonly processor: Processor;
  readonly host: HostProcessor;
  /** Milliseconds, with fractions. */
  readonly now: () => number;
}

export class TrialBench {
  readonly #request: BenchRequest;
  readonly #session: Session;
  readonly #base: BaseFeeds;

  private constructor(request: BenchRequest, session: Session, base: BaseFeeds) {
    this.#request = request;
    this.#session = session;
    this.#base = base;
  }

  static async open(request: BenchRequest): Promise<TrialBench> {
    const session = await openSession(request.model);
    const base = await baseFeeds(request, session.inputs);
    return new TrialBench(request, session, base);
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  /** FP32 beside itself: what can be measured at all. */
  reference(signal: AbortSignal | undefined): Promise<Measurement> {
    return this.#compare(this.#session, signal);
  }

  /** `signal` is looked at between batches. */
  measure(path: string, signal: AbortSignal | undefined): Promise<Measurement> {
    return this.#with(path, (session) => this.#compare(session, signal));
  }

  time(path: string): Promise<Latency> {
    const { feeds, batch } = this.#base;
    const { now } = this.#request;
    return this.#with(path, (session) => measureLatency({ session, fp32: this.#session, feeds, batch, now }));
  }

  #with<T>(path: string, use: (session: Session) => Promise<T>): Promise<T> {
    const { processor, host } = this.#request;
    return withSession(path, { products: productsFor(processor, host) }, use);
  }

  #compare(session: Session, signal: AbortSignal | undefined): Promise<Measurement> {
    const { samples } = this.#request;
    const batches = (size: number): AsyncIterable<Batch> => until(signal, samples.batches(size));
    const run = { session, fp32: this.#session, base: this.#base, tolerance: DEFAULT_TOLERANCE };
    return runSamples({ ...this.#request, samples: { ...samples, batches } }, run);
  }
}
