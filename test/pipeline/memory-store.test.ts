/** The store that other tests use keeps the contract too. */
import { memoryStore } from './memory-store.ts';
import { storeContract } from './store.contract.ts';

storeContract('memory', async () => ({ store: memoryStore(), buckets: ['one', 'two'] }));
