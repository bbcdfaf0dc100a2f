/** In this order, against one deployment: the last asks what the runs before it did. */
import './uploads.ts';
import './recovery.ts';
import './batch.ts';
import './contract.ts';
import './permissions.ts';
