/** Which files of a drop belong together. */
import { expect, test } from 'vitest';
import { groupsOf } from '../../serve/groups.ts';

test.each([
  [['net.pt2', 'job.json', 'any.npz'], [['net.pt2', 'job.json', 'any.npz']]],
  [['net.pt2', 'net.int8.pt'], [['net.pt2', 'net.int8.pt']]],
  [
    ['a.pt2', 'b.onnx', 'a.test.npz', 'job.json'],
    [
      ['a.pt2', 'a.test.npz', 'job.json'],
      ['b.onnx', 'job.json'],
    ],
  ],
  [
    ['n.pt2', 'n.a.pt2', 'n.a.test.npz'],
    [['n.pt2'], ['n.a.pt2', 'n.a.test.npz']],
  ],
  [['net.int8.pt'], [['net.int8.pt']]],
])('%j', (names, groups) => expect(groupsOf(names).map(({ files }) => files)).toEqual(groups));

test('data alone is no run', () => expect(() => groupsOf(['job.json'])).toThrow(/no model among the files/));
