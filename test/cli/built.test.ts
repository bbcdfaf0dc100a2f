/** What `npm run build` makes runs: the page of `serve` too, whose script is compiled apart. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

test('dist serves the page with its script, and ends when it is told to', async () => {
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: ROOT });
  const folder = await mkdtemp(join(tmpdir(), 'built-'));
  const served = spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'serve', folder, '--port', '0']);
  try {
    let said = '';
    for await (const text of served.stderr.setEncoding('utf8')) {
      said += text as string;
      if (said.includes('results in')) break;
    }
    const answer = await fetch(/http:\S+?(?=,)/.exec(said)![0]);
    expect(answer.status).toBe(200);
    const sent = /<script type="module">(.*)<\/script>/s.exec(await answer.text())![1]!;
    expect(() => new Script(sent)).not.toThrow();
    expect(sent).toContain("new EventSource('/events')");
    served.kill('SIGINT');
    expect((await once(served, 'exit'))[0]).not.toBeNull();
  } finally {
    served.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});
