/** In this order, against one deployment: permissions asks what the runs before it did, then it is torn down. */
import './uploads.ts';
import './recovery.ts';
import './batch.ts';
import './tasks.ts';
import './contract.ts';
import './faults.ts';
import './permissions.ts';
import './teardown.ts';
