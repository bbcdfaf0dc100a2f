/**
 * Files of the browser's own (OPFS) for bytes that need not be in memory. They are named after the page that made
 * them, which holds a lock of that name: what pages that are gone left behind is found and removed.
 */

const PREFIX = 'torchferry-';

/** Names this page, and holds the name until it is closed; fails where the browser keeps no files for it. */
export async function takeOwner(): Promise<string> {
  await navigator.storage.getDirectory();
  const owner = PREFIX + crypto.randomUUID().replaceAll('-', '');
  await new Promise<void>((resolve) => {
    void navigator.locks.request(owner, () => {
      resolve();
      return new Promise(() => {});
    });
  });
  return owner;
}

export async function newFile(owner: string): Promise<FileSystemFileHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getFileHandle(`${owner}-${crypto.randomUUID()}`, { create: true });
}

export async function removeAbandoned(): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const locks = (await navigator.locks.query()).held ?? [];
  const held = new Set(locks.map(({ name }) => name));
  for await (const name of root.keys()) {
    const owner = /^torchferry-[^-]+/.exec(name)?.[0];
    if (owner !== undefined && !held.has(owner)) await root.removeEntry(name);
  }
}
