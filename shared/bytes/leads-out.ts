/** Links that lead out of a folder: who gives a model must not choose which other files of a machine are read. */
import { realpathSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';

/** Whether `path`, which lies in `folder` by its name, is a file elsewhere; false where it is not there at all. */
export function leadsOut(folder: string, path: string): boolean {
  try {
    const inside = relative(realpathSync(folder), realpathSync(path));
    return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
