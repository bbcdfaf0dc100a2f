/** Names of what needs one beyond its stack: the stack's, and where in it the construct stands when it is not all. */
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export function nameIn(scope: Construct, id: string): string {
  const stack = Stack.of(scope);
  const below = scope.node.scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  return [stack.stackName, ...below.filter((each) => each !== 'Default'), id].join('-');
}
