/** The worker of a run: takes its order, tells how it goes. The page ends it. */
import { isFailure } from '../shared/errors.ts';
import type { Order, Told } from './messages.ts';
import { carryOut } from './order.ts';

const tell = (told: Told): void => self.postMessage(told);

function failed(error: unknown): void {
  if (isFailure(error)) tell({ kind: 'failed', code: error.code, message: error.message });
  else tell({ kind: 'failed', code: 'Error', message: error instanceof Error ? error.message : String(error) });
}

self.addEventListener('message', (event: MessageEvent<Order>) => {
  carryOut(event.data, tell).catch(failed);
});
